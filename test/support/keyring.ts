import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A message bus with an unlocked gnome-keyring of its own, for a program that keeps its secrets there: what its environment must say, and its end. */
export async function startKeyring(home: string): Promise<{ env: Record<string, string>; stop(): void }> {
  const own = { XDG_RUNTIME_DIR: home, XDG_DATA_HOME: join(home, '.local/share') }
  mkdirSync(join(own.XDG_DATA_HOME, 'keyrings'), { recursive: true })
  const script = 'printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; echo "$DBUS_SESSION_BUS_ADDRESS"; cat >/dev/null'
  const child = spawn('dbus-run-session', ['--', 'sh', '-c', script], {
    env: { PATH: process.env.PATH ?? '', HOME: home, ...own },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the keyring ended with ${code}`)))
  })
  failed.catch(() => undefined)
  const lines = createInterface({ input: child.stdout })
  const address = await Promise.race([new Promise<string>((resolve) => lines.once('line', resolve)), failed])
  // It ends when its stdin does.
  return { env: { ...own, DBUS_SESSION_BUS_ADDRESS: address }, stop: () => child.stdin.end() }
}
