import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createKeychain } from '../main/keychain.ts'

const programs = ['dbus-run-session', 'gnome-keyring-daemon'].filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0)
const skipped = process.platform !== 'linux' ? 'only on Linux' : programs.length > 0 ? `missing: ${programs.join(', ')}` : ''

/** Runs code against `createKeychain()` in a process of its own, where the environment says which keyring there is. */
function inProcess(code: string, keyring: boolean): { answer: unknown; stderr: string } {
  const home = mkdtempSync(join(tmpdir(), 'keyring-'))
  const script = `import { createKeychain } from '${new URL('../main/keychain.ts', import.meta.url).href}'
    const keychain = createKeychain()
    const tell = (value) => console.log('ANSWER' + JSON.stringify(value))
    try { tell(await (async () => { ${code} })()) } catch (error) { tell({ code: error.code }) }
    process.exit(0)`
  const node = [process.execPath, '--input-type=module-typescript', '-e', script]
  const env = { PATH: process.env.PATH ?? '', HOME: home, XDG_RUNTIME_DIR: home, XDG_DATA_HOME: join(home, '.local/share') }
  const unlock = `mkdir -p "$XDG_DATA_HOME/keyrings"; printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; exec "$@"`
  const [command = '', ...args] = keyring ? ['dbus-run-session', '--', 'sh', '-c', unlock, 'sh', ...node] : node
  try {
    const { stdout, stderr } = spawnSync(command, args, { env, encoding: 'utf8', timeout: 30_000 })
    const line = stdout.split('\n').find((one) => one.startsWith('ANSWER'))
    return { answer: line ? JSON.parse(line.slice('ANSWER'.length)) : null, stderr }
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

describe('the OS keychain', () => {
  test.skipIf(skipped !== '')(`keeps, changes and forgets a secret in a real Secret Service ${skipped && `(${skipped})`}`, () => {
    const { answer } = inProcess(
      `const before = await keychain.get('sign-in')
       await keychain.set('sign-in', 'one'); await keychain.set('sign-in', 'two')
       const kept = await keychain.get('sign-in')
       await keychain.delete('sign-in'); await keychain.delete('sign-in')
       return [before, kept, await keychain.get('sign-in')]`,
      true,
    )
    expect(answer).toEqual([null, 'two', null])
  })

  test.skipIf(process.platform !== 'linux')('says `auth.keychain-missing` where no keyring answers', () => {
    expect(inProcess(`return keychain.get('sign-in')`, false).answer).toEqual({ code: 'auth.keychain-missing' })
    expect(inProcess(`return keychain.set('sign-in', 'x')`, false).answer).toEqual({ code: 'auth.keychain-missing' })
  })

  test('says the same where its library cannot be loaded, and tries again the next time', async () => {
    let tries = 0
    const keychain = createKeychain(async () => {
      tries++
      throw new Error('libsecret-1.so.0: cannot open shared object file')
    })
    await expect(keychain.get('sign-in')).rejects.toMatchObject({ code: 'auth.keychain-missing' })
    await expect(keychain.set('sign-in', 'x')).rejects.toMatchObject({ code: 'auth.keychain-missing' })
    expect(tries).toBe(2)
  })

  test('refuses a secret larger than every keychain takes', async () => {
    const keychain = createKeychain(() => Promise.reject(new Error('not reached')))
    await expect(keychain.set('sign-in', 'x'.repeat(2_501))).rejects.toMatchObject({ code: 'contract.too-large' })
  })
})
