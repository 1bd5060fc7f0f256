import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Row, row } from '../proof.ts'

/** OpenSSH's own regression scripts for SFTP, as Debian packages them; `test-exec.sh` runs one of them in a folder. */
const regress = '/usr/lib/openssh/regress'
const theirServer = '/usr/lib/openssh/sftp-server'
const serve = join(import.meta.dirname, 'serve.ts')
const scripts = ['sftp', 'sftp-batch', 'sftp-badcmds', 'sftp-glob', 'sftp-cmds', 'sftp-perm'] as const
type Script = (typeof scripts)[number]
const limitMs = 300_000

/** What must fail, and why; one that passes is told too, since then its reason is not true any more. */
const exceptions: { why: string; script: Script; checks: readonly string[] }[] = [
  {
    why: 'our server makes no links, hard or symbolic: one could be made to lead out of the root later on',
    ...{ script: 'sftp-cmds', checks: ['ln', 'ln -s'] },
  },
  { why: 'the same', script: 'sftp-perm', checks: ['read-only symlink', 'read-only hardlink'] },
  { why: 'our server does not offer `copy-data`, an extension by which it copies a file by itself', script: 'sftp-cmds', checks: ['cp'] },
  {
    why: 'lists of single requests that OpenSSH’s own server takes at its start (`-p`, `-P`); ours has rules by direction and place instead',
    script: 'sftp-perm',
    checks: ['open', 'read', 'write', 'lstat', 'opendir', 'readdir', 'setstat', 'remove', 'mkdir', 'rmdir', 'rename', 'symlink', 'hardlink', 'statvfs'].map(
      (request) => `explicit ${request}`,
    ),
  },
]

/** Titles of the checks in their order, each with what was said against it. */
type Checks = Map<string, string[]>

export async function scriptRows(say: (line: string) => void): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-regress-'))
  try {
    const ourServer = join(folder, 'sftp-server')
    writeFileSync(ourServer, `#!/bin/sh\nexec ${process.execPath} ${serve} / "$@"\n`)
    chmodSync(ourServer, 0o755)
    const theirs = new Map<Script, Checks>()
    const ours = new Map<Script, Checks>()
    for (const script of scripts) {
      theirs.set(script, await runScript(folder, script, theirServer))
      const checks = await runScript(folder, script, ourServer)
      ours.set(script, checks)
      say(`${script}.sh: ${passed(checks)} of ${checks.size}`)
    }
    return rowsOf(theirs, ours)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function rowsOf(theirs: Map<Script, Checks>, ours: Map<Script, Checks>): Row[] {
  const control = [...theirs.values()]
  const same = scripts.every((script) => [...(theirs.get(script)?.keys() ?? [])].join() === [...(ours.get(script)?.keys() ?? [])].join())
  const rows = [
    row(
      'OpenSSH’s scripts with OpenSSH’s own server, here',
      'all checks pass',
      count(...control),
      control.every((checks) => checks.size > 0 && passed(checks) === checks.size),
    ),
    row('checks that ran with ours', 'the same', same ? 'the same' : 'others', same),
  ]
  for (const script of scripts) {
    const excepted = exceptions.filter((one) => one.script === script).flatMap(({ checks }) => checks)
    const rest: Checks = new Map([...(ours.get(script) ?? [])].filter(([check]) => !excepted.includes(check)))
    const bound = excepted.length > 0 ? `all pass but the ${excepted.length} below` : 'all pass'
    rows.push(row(`${script}.sh with our server`, bound, count(rest), rest.size > 0 && passed(rest) === rest.size))
  }
  for (const { why, script, checks } of exceptions) {
    const failing = checks.filter((check) => (ours.get(script)?.get(check) ?? []).length > 0)
    rows.push(
      row(`excepted in ${script}.sh: ${checks.join(', ')}`, `fail: ${why}`, `${failing.length} of ${checks.length} fail`, failing.length === checks.length),
    )
  }
  return rows
}

const passed = (checks: Checks): number => [...checks.values()].filter((complaints) => complaints.length === 0).length

function count(...scripts: Checks[]): string {
  const all = scripts.flatMap((checks) => [...checks])
  const bad = all.filter(([, complaints]) => complaints.length > 0)
  return [`${all.length - bad.length} of ${all.length}`, ...bad.map(([check, complaints]) => `${check}: ${complaints.join(', ')}`)].join('; ')
}

async function runScript(folder: string, script: Script, server: string): Promise<Checks> {
  const place = join(folder, 'place')
  rmSync(place, { recursive: true, force: true })
  mkdirSync(place)
  // The runner looks at a configuration of sshd first, which needs this one, as its service makes it.
  if (!existsSync('/run/sshd')) mkdirSync('/run/sshd', { mode: 0o755 })
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: place,
    TEST_SHELL: '/bin/sh',
    TEST_SSH_SFTPSERVER: server,
    TEST_SSH_UNSAFE_PERMISSIONS: '1',
  }
  const argv = ['-c', 'exec /bin/sh "$@" 2>&1', 'sh', join(regress, 'test-exec.sh'), place, join(regress, `${script}.sh`)]
  const child = spawn('/bin/sh', argv, { cwd: place, env, stdio: ['ignore', 'pipe', 'inherit'], timeout: limitMs, killSignal: 'SIGKILL' })
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [output, code] = await Promise.all([text(child.stdout), exit])
  return checksOf(output, code, script)
}

/** A check is announced by its title; whatever else is said stands against the one before it. */
function checksOf(output: string, code: number | null, script: Script): Checks {
  const checks: Checks = new Map()
  const against = (check: string, ...complaints: string[]) => checks.set(check, [...(checks.get(check) ?? []), ...complaints])
  let current = script as string
  let verdict = ''
  for (const line of output.split('\n').filter((one) => one !== '')) {
    const [, title] = /^(?:test basic )?sftp [a-z/ ]+: (.+)$/.exec(line) ?? []
    if (title !== undefined) {
      current = title
      against(current)
    } else if (/^(ok|failed) /.test(line)) verdict = line
    else against(current, line)
  }
  if ((code === 0) !== verdict.startsWith('ok ') || (code !== 0 && passed(checks) === checks.size)) against(script, `ended with ${code}: ${verdict}`)
  return checks
}
