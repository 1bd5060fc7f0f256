import { PassThrough } from 'node:stream'
import type { KeysStatus } from '@gantry/shared/ipc.ts'
import { describe, expect, test } from 'vitest'
import { createConsole } from './console.ts'
import { askNewPin, askPin } from './pin.ts'

function at(typed: string, isTTY = false) {
  const raw: boolean[] = []
  const stdin = Object.assign(new PassThrough(), { isTTY, setRawMode: (on: boolean) => raw.push(on) })
  const stderr = new PassThrough()
  stdin.write(typed)
  if (!isTTY) stdin.end()
  const console = createConsole({ stdin, stdout: new PassThrough(), stderr, env: {} }, { language: 'en', json: false })
  return { console, stdin, raw, said: () => String(stderr.read() ?? '') }
}

const keysWith = (pin: boolean) => {
  const status: KeysStatus = { state: 'ready', current: { fingerprint: 'ABCD-EFGH-JKLM-NPQR', untilMs: 1, pin }, waiting: null }
  return { status: async () => status }
}

describe('the PIN on the command line (D20, R078)', () => {
  test('is asked for where the support key has one, and nothing is read where it has none', async () => {
    const { console, stdin, said } = at('739-201\nls\n')
    expect(await askPin(keysWith(false), console)).toBeUndefined()
    expect(await askPin(keysWith(true), console)).toBe('739-201')
    // What follows on stdin is the terminal's.
    expect(String(stdin.read())).toBe('ls\n')
    expect(said()).toBe('')
  })

  test('is not shown on a terminal, and is needed', async () => {
    const shown = at('739-201\r', true)
    expect(await askPin(keysWith(true), shown.console)).toBe('739-201')
    expect(shown.raw).toEqual([true, false])
    expect(shown.said()).toBe('PIN of your support key: \n')
    await expect(askPin(keysWith(true), at('').console)).rejects.toMatchObject({ code: 'auth.pin-needed' })
    await expect(askPin(keysWith(true), at('\n').console)).rejects.toMatchObject({ code: 'auth.pin-needed' })
  })

  test('a new one is typed twice on a terminal, and both have to be the same', async () => {
    expect(await askNewPin(at('739-201\r739-201\r', true).console)).toBe('739-201')
    await expect(askNewPin(at('739-201\r739-202\r', true).console)).rejects.toMatchObject({ code: 'usage.bad' })
    expect(await askNewPin(at('739-201\n').console)).toBe('739-201')
  })
})
