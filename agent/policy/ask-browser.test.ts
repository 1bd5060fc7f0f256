import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { askBrowser } from './ask-browser.ts'

const question = { ask: () => 'page', answered: () => '', allow: { script: "'none'", style: "'none'" }, judge: (answer: string) => answer }

test('nobody answers: it ends by itself, and its port is free again (R062)', async () => {
  let url = ''
  const asked = askBrowser({ ...question, port: 0, onReady: (at) => (url = at), withinMs: 300 })
  await expect(asked).rejects.toMatchObject({ code: 'policy.passkey-refused', details: { reason: 'time' } })
  await expect(fetch(url)).rejects.toThrow()
})

test('where somebody stands at one of the two loopback addresses it does not begin', async () => {
  for (const host of ['127.0.0.1', '::1']) {
    const squatter = createServer()
    const isThere = await new Promise<boolean>((resolve) => squatter.once('error', () => resolve(false)).listen(0, host, () => resolve(true)))
    if (!isThere) continue
    const { port } = squatter.address() as { port: number }
    const asked = askBrowser({ ...question, port, onReady: () => {}, withinMs: 300 })
    await expect(asked).rejects.toMatchObject({ code: 'policy.passkey-refused', details: { reason: 'port' } })
    squatter.close()
  }
})
