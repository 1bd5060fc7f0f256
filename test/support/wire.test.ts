import { createHash, randomBytes } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { describe, expect, test } from 'vitest'
import { wire } from './wire.ts'

describe('the in-memory wire', () => {
  test('carries bytes both ways, and each direction ends by itself', async () => {
    const [left, right] = wire()
    left.end('question')
    let text = ''
    for await (const chunk of right.iterator({ destroyOnReturn: false })) text += chunk
    right.end('answer')
    for await (const chunk of left) text += ` ${chunk}`
    expect(text).toBe('question answer')
  })

  test('delivers on a later turn', () => {
    const [left, right] = wire()
    let heard = false
    right.on('data', () => {
      heard = true
    })
    left.write('x')
    expect(heard).toBe(false)
    left.destroy()
    right.on('error', () => undefined)
  })

  test('holds back a writer whose reader does not read, and loses nothing', async () => {
    const [left, right] = wire()
    const sent = createHash('sha256')
    const received = createHash('sha256')
    const chunks = Array.from({ length: 100 }, () => randomBytes(65_536))
    let taken = 0
    const source = async function* () {
      for (const chunk of chunks) {
        sent.update(chunk)
        taken += 1
        yield chunk
      }
    }
    const sending = pipeline(source, left)
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(taken).toBeLessThan(10)
    for await (const chunk of right) received.update(chunk)
    await sending
    expect(received.digest('hex')).toBe(sent.digest('hex'))
  })

  test('when cut, breaks the other end and whoever writes', async () => {
    const [left, right] = wire()
    const broken = new Promise((resolve) => right.once('error', resolve))
    left.destroy()
    expect(await broken).toMatchObject({ code: 'ECONNRESET' })
    expect(right.destroyed).toBe(true)
  })
})
