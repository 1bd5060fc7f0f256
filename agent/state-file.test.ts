import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openIdentity } from './identity.ts'
import { lockState } from './state-lock.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'state-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('the device’s identity', () => {
  const open = (lost: string[] = []) => openIdentity(folder, (what) => lost.push(what))

  test('is made here, readable by nobody else, and the same at every start (R066)', () => {
    const first = open()
    expect(open().keys.device.publicJwk).toEqual(first.keys.device.publicJwk)
    for (const name of ['identity.json', 'identity.json.copy']) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
  })

  test.each(['identity.json', 'identity.json.copy'])('survives the loss of %s, and says so', (name) => {
    const { publicJwk } = open().keys.device
    truncateSync(join(folder, name), 100)
    const lost: string[] = []
    expect(open(lost).keys.device.publicJwk).toEqual(publicJwk)
    expect(lost).toEqual([name])
    expect(existsSync(join(folder, `${name}.unreadable`))).toBe(true)
    expect(JSON.parse(readFileSync(join(folder, name), 'utf8')).version).toBe(1)
  })

  test('is never guessed: with both copies bad the agent does not start as somebody new', () => {
    open()
    for (const name of ['identity.json', 'identity.json.copy']) writeFileSync(join(folder, name), '')
    expect(() => open()).toThrow(expect.objectContaining({ code: 'state.unreadable' }))
    expect(readFileSync(join(folder, 'identity.json'), 'utf8')).toBe('')
  })
})

describe('the state folder', () => {
  test('belongs to one agent at a time; one whose holder is dead is free', () => {
    const unlock = lockState(folder)
    expect(() => lockState(folder)).toThrow(expect.objectContaining({ code: 'state.in-use', details: { folder, pid: process.pid } }))
    unlock()
    lockState(folder)()
    symlinkSync(`${process.pid} 12345`, join(folder, 'agent.pid'))
    lockState(folder)()
    writeFileSync(join(folder, 'agent.pid'), 'what is this')
    lockState(folder)()
  })
})
