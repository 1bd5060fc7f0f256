import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import type { Posture } from '@gantry/shared/posture.ts'

/**
 * What this workstation is, as far as it can be told without the administrator's rights (R088). Never throws: what cannot be told is `unknown`, and whoever requires it decides.
 */
export type PostureOf = {
  version: string
  platform?: NodeJS.Platform
  home?: string
  /** Resolves with what the program wrote; rejects where it is not there, fails, or takes more than five seconds. */
  run?: (program: string, args: string[]) => Promise<string>
  /** Where `/proc` and `/sys` are. */
  root?: string
}
type Encryption = Posture['diskEncryption']

const systems: Partial<Record<NodeJS.Platform, Posture['os']>> = { win32: 'windows', darwin: 'macos', linux: 'linux' }

export async function readPosture({ version, platform = process.platform, home = homedir(), run = runProgram, root = '/' }: PostureOf): Promise<Posture> {
  const said = { version, os: systems[platform] ?? ('other' as const) }
  try {
    const diskEncryption =
      platform === 'win32' ? await onWindows(run, home) : platform === 'darwin' ? await onMac(run) : platform === 'linux' ? onLinux(root, home) : 'unknown'
    return { ...said, diskEncryption }
  } catch {
    return { ...said, diskEncryption: 'unknown' }
  }
}

/**
 * BitLocker, as the shell shows it: `manage-bde` and Win32_EncryptableVolume ask for an administrator. System.Volume.BitLockerProtection is 1 on, 2 off, 3 and 4 on the way, 5 suspended
 * (its key lies open on the disk), 6 locked; empty where there is no BitLocker.
 */
async function onWindows(run: NonNullable<PostureOf['run']>, home: string): Promise<Encryption> {
  const [drive] = /^[A-Za-z]:/.exec(home) ?? []
  if (!drive) return 'unknown'
  const program = join(process.env.SystemRoot ?? 'C:\\Windows', 'System32', 'WindowsPowerShell', 'v1.0', 'powershell.exe')
  const script = `(New-Object -ComObject Shell.Application).NameSpace('${drive}').Self.ExtendedProperty('System.Volume.BitLockerProtection')`
  const said = (await run(program, ['-NoProfile', '-NonInteractive', '-Command', script])).trim()
  const known: Record<string, Encryption> = { '1': 'on', '6': 'on', '2': 'off', '3': 'off', '4': 'off', '5': 'off' }
  return known[said] ?? 'unknown'
}

/** FileVault; the sentence is English in every language of the system. */
async function onMac(run: NonNullable<PostureOf['run']>): Promise<Encryption> {
  const said = await run('/usr/bin/fdesetup', ['status'])
  if (/^FileVault is On\.\s*$/.test(said)) return 'on'
  // On the way there is not there yet.
  return /^FileVault is (On|Off)\b/.test(said) ? 'off' : 'unknown'
}

/** dm-crypt (LUKS or plain) below what holds the home, or below the root where that cannot be told. Other kinds (ZFS, fscrypt, a drive's own) are not seen. */
function onLinux(root: string, home: string): Encryption {
  const mounts = readFileSync(join(root, 'proc/self/mountinfo'), 'utf8')
    .split('\n')
    .flatMap((line) => readMount(line) ?? [])
  const holding = mounts.filter(({ at }) => at === '/' || home === at || home.startsWith(`${at}/`)).sort((a, b) => a.at.length - b.at.length)
  // Of several at one place the last is on top.
  const ofHome = holding.at(-1)
  const ofRoot = holding.findLast(({ at }) => at === '/')
  const own = ofHome ? encryptionOf(root, ofHome.source) : 'unknown'
  return own === 'unknown' && ofRoot ? encryptionOf(root, ofRoot.source) : own
}

/** proc_pid_mountinfo(5): the fifth field is the place; behind ` - ` come the kind and the source. White space in them is `\\040`. */
function readMount(line: string): { at: string; source: string } | null {
  const [before, after] = line.split(' - ')
  const [at, source] = [before?.split(' ')[4], after?.split(' ')[1]]
  return at && source ? { at: unescaped(at), source: unescaped(source) } : null
}
const unescaped = (text: string) => text.replaceAll(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)))

/** By the block device, since a file system of several has no number of its own (Btrfs). */
function encryptionOf(root: string, source: string): Encryption {
  if (!source.startsWith('/dev/')) return 'unknown'
  try {
    return isEncrypted(root, basename(realpathSync(join(root, source))), 8) ? 'on' : 'off'
  } catch {
    return 'unknown'
  }
}

/** A volume on several disks is as safe as the least of them. Throws for what is no block device. */
function isEncrypted(root: string, name: string, depth: number): boolean {
  const device = join(root, 'sys/class/block', name)
  const below = readdirIfThere(join(device, 'slaves'))
  if (depth === 0) return false
  if (readIfThere(join(device, 'dm/uuid')).startsWith('CRYPT-')) return true
  readdirSync(device)
  return below.length > 0 && below.every((slave) => isEncrypted(root, slave, depth - 1))
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function readdirIfThere(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

function runProgram(program: string, args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { timeout: 5_000, windowsHide: true, maxBuffer: 10_000, encoding: 'utf8' }, (error, stdout) =>
      error ? reject(error) : resolve(stdout),
    )
  })
}
