import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { compileCache } from '../../sandbox/compile-cache.ts'
import { newStateFolder, oneDevice, type RunningSandbox, removeSandbox, root, run, startSandbox } from '../e2e/support/sandbox.ts'
import { startKeyring } from '../support/keyring.ts'
import { belongingsOf, ownerOf } from './belongings.ts'
import { type Belongings, kinds, type Let } from './hostile/other-user-api.ts'
import { type Proof, type Row, row } from './proof.ts'
import { openShell, signIn } from './revocation.ts'
import { allowAll, deviceId, openDriver } from './world/desk.ts'

export const otherUser: Proof = {
  name: 'other-user',
  title: 'Another account of the machine gets nothing',
  covers: ['D22', 'R065', 'T11'],
  method:
    'The sandbox as it is started by hand, with a client that has a shell open, OpenSSH’s broker with its sockets, the browser host with its door, and an unlocked gnome-keyring. Root lists all that they have: files, sockets by path and abstract, loopback ports, processes, buses. Then a program tries each of them under another account: 65534, which is also the account of a session’s shell at the device, and 65531, which is nobody’s. The same program as root, and things that are left open on purpose, show that it would notice.',
  limits: ['Electron’s own sockets and shared memory; another operating system than Linux.'],
  async run({ say }) {
    const place = await openPlace()
    try {
      const rows: Row[] = []
      for (const uid of [strangerUid, sessionUid]) {
        const left = await leaveOpen(uid)
        try {
          const belongings = withoutOwn(belongingsOf([place.sandbox.dir, ...place.folders, left.dir], [place.bus]), { uid, left, place })
          say(`${uid}: ${JSON.stringify(Object.fromEntries(Object.entries(belongings).map(([kind, all]) => [kind, all.length])))}`)
          const said = await ask(uid, belongings)
          rows.push(...judge({ uid, said, left, place }))
          if (uid === sessionUid) rows.push(...control(await ask(0, belongings)), ...doorsOf(said, left))
        } finally {
          left.close()
        }
      }
      return [...rows, secretsShown(place)]
    } finally {
      await place.close()
    }
  },
}

const sessionUid = 65_534
const strangerUid = 65_531
type Place = { sandbox: RunningSandbox; folders: string[]; bus: string; close(): Promise<void> }

async function openPlace(): Promise<Place> {
  const dir = newStateFolder()
  const home = mkdtempSync(join(tmpdir(), 'gantry-keyring-'))
  allowAll(dir)
  const sandbox = await startSandbox(dir, ...oneDevice)
  const closers: (() => unknown)[] = []
  const close = async () => {
    for (const one of closers.toReversed()) await one()
    await removeSandbox(sandbox)
    rmSync(home, { recursive: true, force: true })
  }
  try {
    await signIn(sandbox)
    const keyring = await startKeyring(home)
    closers.push(() => keyring.stop())
    const driver = openDriver([], dir, join(dir, 'sandbox/logs/driver.log'))
    closers.push(() => driver.child.kill())
    await openShell(driver)
    closers.push(await openBroker(sandbox))
    closers.push(await openBrowserHost(sandbox))
    const { controlSocket } = JSON.parse(readFileSync(join(dir, 'sandbox.json'), 'utf8')) as { controlSocket: string }
    return { sandbox, folders: [dirname(controlSocket), home, compileCache], bus: keyring.env.DBUS_SESSION_BUS_ADDRESS ?? '', close }
  } catch (error) {
    await close()
    throw error
  }
}

/** OpenSSH in a session of its own, for as long as somebody looks. */
async function openBroker(sandbox: RunningSandbox): Promise<() => unknown> {
  const { stdout } = await sandbox.gantry('ssh-config', deviceId, '--reason', 'Proof', '--case', 'proof')
  const config = join(sandbox.dir, 'client/prove-ssh-config')
  writeFileSync(config, stdout, { mode: 0o600 })
  const ssh = run(['ssh', '-F', config, '-o', 'BatchMode=yes', deviceId, 'echo here; sleep 600'])
  await Promise.race([once(ssh.child.stdout ?? ssh.child, 'data'), ssh.done.then(({ stderr }) => Promise.reject(new Error(stderr)))])
  return () => ssh.child.kill()
}

async function openBrowserHost({ dir, facts }: RunningSandbox): Promise<() => unknown> {
  const config = join(dir, 'sandbox/configs/window.json')
  const profileDir = join(dir, 'client-window')
  mkdirSync(profileDir, { mode: 0o700 })
  const told = { profileDir, sandboxDir: dir, mainServer: facts.mainServer, ca: facts.ca, stopWithStdin: true }
  writeFileSync(config, JSON.stringify({ ...told, rendererDir: join(root, 'out/renderer'), reason: 'prove' }), { mode: 0o600 })
  const host = run([process.execPath, join(root, 'main/browser-host/main.ts'), '--config', config])
  await Promise.race([once(host.child.stdout ?? host.child, 'data'), host.done.then(({ stderr }) => Promise.reject(new Error(stderr)))])
  return () => host.child.stdin?.end()
}

/**
 * What a session leaves to its own account is no finding: its programs, and the device's files and service, which it is there for. The bus's own socket is the
 * system's and takes everybody's connection; what counts is whether the keyring behind it answers.
 */
function withoutOwn(all: Belongings, { uid, left, place }: { uid: number; left: Left; place: Place }): Belongings {
  const service = join(place.sandbox.dir, 'devices/1/service')
  const isOwn = (path: string) => uid === sessionUid && (path.startsWith(service) || statSync(path, { throwIfNoEntry: false })?.uid === uid)
  return {
    ...all,
    pids: all.pids.filter((pid) => pid === left.pid || ownerOf(pid) !== uid),
    files: all.files.filter((path) => !isOwn(path)),
    folders: all.folders.filter((path) => !isOwn(path)),
    sockets: all.sockets.filter((path) => !place.bus.includes(`path=${path},`)),
    ports: [...all.ports, left.port],
  }
}

/** Not waited for in one piece: what was left open answers out of this process. */
async function ask(uid: number, belongings: Belongings): Promise<Let> {
  const as = uid === 0 ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--no-new-privs']
  const program: [string, ...string[]] = ['env', ...as, process.execPath, '--no-warnings', join(import.meta.dirname, 'hostile/other-user.ts')]
  const { stdout, stderr } = await run(program, { input: JSON.stringify(belongings), cwd: '/' }).done
  if (!stdout) throw new Error(stderr)
  return JSON.parse(stdout) as Let
}

const leftName = 'gantry-left-open-'
type Left = { dir: string; pid: number; port: number; close(): void }

/** One thing of each kind that a careless program would leave open. */
async function leaveOpen(uid: number): Promise<Left> {
  const dir = mkdtempSync(join(tmpdir(), leftName))
  chmodSync(dir, 0o777)
  writeFileSync(join(dir, 'secret'), 'secret')
  chmodSync(join(dir, 'secret'), 0o666)
  const servers: Server[] = []
  for (const path of [join(dir, 'socket'), `\0${dir}/abstract`]) {
    const server = createServer((socket) => socket.destroy()).listen(path)
    servers.push(server)
    await once(server, 'listening')
  }
  chmodSync(join(dir, 'socket'), 0o777)
  const door = createHttpServer((_request, response) => response.end('secret')).listen(0, '127.0.0.1')
  servers.push(door)
  await once(door, 'listening')
  const { port } = door.address() as AddressInfo
  const memory = join('/dev/shm', dir.slice(dir.lastIndexOf('/') + 1))
  writeFileSync(memory, 'secret')
  chmodSync(memory, 0o644)
  const child: ChildProcess = spawn('sleep', ['600'], { uid, gid: uid, cwd: '/', env: { OPEN: dir } })
  await once(child, 'spawn')
  return {
    ...{ dir, port, pid: child.pid ?? 0 },
    close() {
      child.kill()
      for (const server of servers) server.close()
      for (const path of [dir, memory]) rmSync(path, { recursive: true, force: true })
    },
  }
}

/** Whoever talks to a sandbox has to find it: an address, and a certificate that anybody is shown. */
const madePublic = ['sandbox.json', 'ca.pem']

function judge({ uid, said, left, place }: { uid: number; said: Let; left: Left; place: Place }): Row[] {
  const isLeft = (what: string) => what.includes(leftName) || what.endsWith(` ${left.pid}`) || what.startsWith(`/proc/${left.pid}/`)
  const isPublic = (what: string) => madePublic.some((name) => what === join(place.sandbox.dir, name)) || what.startsWith(compileCache)
  let noticed = 0
  const rows = (Object.keys(kinds) as (keyof typeof kinds)[]).map((kind) => {
    const { tried, found } = said[kind]
    if (found.some(isLeft)) noticed += 1
    const open = found.filter((one) => !isLeft(one) && !(kind === 'read' && isPublic(one)))
    return row(`uid ${uid}: ${kinds[kind]}, of ${tried}`, '0', open.length === 0 ? '0' : `${open.length}: ${open.slice(0, 8).join(', ')}`, open.length === 0)
  })
  const kindsLeft = Object.keys(kinds).length - 1
  return [
    ...rows,
    row(`uid ${uid}, control: kinds in which it noticed what was left open on purpose`, String(kindsLeft), String(noticed), noticed === kindsLeft),
  ]
}

function control(said: Let): Row[] {
  return (Object.keys(kinds) as (keyof typeof kinds)[]).map((kind) => {
    const { tried, found } = said[kind]
    return row(`control, root: ${kinds[kind]}, of ${tried}`, '> 0', String(found.length), found.length > 0)
  })
}

/** A door in clear needs a secret at once; over TLS the main server and the access servers are there for everybody, and who is not let in there is other proofs' matter. */
function doorsOf({ doors }: Let, left: Left): Row[] {
  const { [left.port]: open = '', ...others } = doors
  const clear = Object.values(others).filter((answer) => !answer.startsWith('TLS'))
  const refuses = (answer: string) => answer.includes('403') && answer.split(' ').every((status) => status.startsWith('4'))
  const tls = Object.values(others).filter((answer) => answer.startsWith('TLS'))
  const lax = clear.filter((answer) => !refuses(answer)).length
  return [
    row('loopback doors in clear that let in who has no secret', '0', `${lax} of ${clear.length} (${clear.join('; ')})`, lax === 0 && clear.length > 0),
    row('control: a door in clear that lets everybody in', 'noticed', refuses(open) ? 'not noticed' : `noticed (${open})`, open !== '' && !refuses(open)),
    row('loopback doors over TLS, which are there for everybody: their answer to nobody’s question', 'listed', tls.join('; '), null),
  ]
}

/** What everybody can read of a process is its command line. */
function secretsShown({ sandbox }: Place): Row {
  const { specialist } = sandbox.facts
  const known = readFileSync(join(sandbox.dir, 'sandbox/credentials.json'), 'utf8').matchAll(/"([A-Za-z0-9+/=_-]{10,})"(?!:)/g)
  const secrets = [specialist.password, specialist.totpSecret, ...[...known].map(([, text]) => text ?? '')]
  const shown = belongingsOf([sandbox.dir], []).pids.filter((pid) => {
    const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1')
    return secrets.some((secret) => line.includes(secret))
  })
  return row(`processes whose command line names one of ${secrets.length} secrets of the sandbox`, '0', String(shown.length), shown.length === 0)
}
