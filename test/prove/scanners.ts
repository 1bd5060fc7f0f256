import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newStateFolder, oneDevice, type RunningSandbox, removeSandbox, startSandbox } from '../e2e/support/sandbox.ts'
import { keyExchange } from './key-exchange.ts'
import { type Proof, type Row, row } from './proof.ts'
import { allowAll, deviceId } from './world/desk.ts'

export const scanners: Proof = {
  name: 'scanners',
  title: 'What outside tools say of every door',
  covers: ['R059', 'R060', 'R067', 'D31', 'T2'],
  method:
    'The sandbox as it is started by hand. sslscan, nmap (ssl-enum-ciphers) and testssl.sh look at each TLS listener on loopback; ssh-audit talks to the device’s SSH server through the ProxyCommand that gantry ssh-config prints. Their own verdicts, as they print them. Then a client that is signed in opens a session, a shell and a file; a hook beside it notes of every TLS connection that it opens what its keys were agreed by.',
  limits: [
    'What the device and the access servers dial is not noted here: they dial by the same code as the client (shared/node/dial.ts), and the same listeners answer.',
    'testssl.sh judges protocols, ciphers, forward secrecy and known weaknesses; not the chain, which is a private CA’s here. Bad chains are tried in test/system/certificates.test.ts.',
    'ssh-audit is Debian’s 2.5.0; it does not know every algorithm of later years. It counts every NIST curve as a failure; the host key is P-256, as all signatures here are, and the exchange is by X25519 wherever both ends can.',
  ],
  async run({ quick, say }) {
    const dir = newStateFolder()
    allowAll(dir)
    const sandbox = await startSandbox(dir, ...oneDevice)
    try {
      const rows: Row[] = []
      for (const [name, origin] of listenersOf(sandbox)) {
        const { port } = new URL(origin)
        rows.push(...bySslscan(name, port), byNmap(name, port))
        if (!quick) rows.push(byTestssl(name, port))
        say(`${name} looked at`)
      }
      const signedIn = await sandbox.gantry('sign-in')
      if (signedIn.code !== 0) throw new Error(signedIn.stderr)
      return [...rows, await bySshAudit(sandbox), ...(await keyExchange(sandbox))]
    } finally {
      await removeSandbox(sandbox)
    }
  },
}

function listenersOf({ dir, facts }: RunningSandbox): [string, string][] {
  const device = JSON.parse(readFileSync(join(dir, 'devices/1/device.json'), 'utf8')) as { mainServers: { agentOrigin: string }[] }
  return [
    ['main server, people', facts.mainServer],
    ['main server, devices', device.mainServers[0]?.agentOrigin ?? ''],
    ['access server', facts.accessServers[0] ?? ''],
  ]
}

function bySslscan(name: string, port: string): Row[] {
  const xml = execFileSync('sslscan', ['--no-colour', '--show-certificate', '--xml=-', `127.0.0.1:${port}`], { encoding: 'utf8', timeout: 120_000 })
  const all = (pattern: RegExp) => [...xml.matchAll(pattern)].map(([, found = '']) => found)
  const enabled = all(/<protocol type="(?:ssl|tls)" version="([^"]+)" enabled="1"/g)
  const ciphers = all(/<cipher [^>]*cipher="([^"]+)"/g)
  const weak = ciphers.filter((cipher) => !/^(TLS_(AES|CHACHA20)|ECDHE-(ECDSA|RSA)-.*(GCM|CHACHA20))/.test(cipher))
  const broken = all(/<heartbleed sslversion="([^"]+)" vulnerable="1"/g).length + all(/<compression supported="(1)"/g).length
  return [
    row(`${name}: sslscan, protocols`, '1.2, 1.3', enabled.join(', '), enabled.join() === '1.2,1.3'),
    row(
      `${name}: sslscan, ciphers that are no AEAD with forward secrecy`,
      `0 of ${ciphers.length}`,
      weak.join(', ') || '0',
      weak.length === 0 && ciphers.length > 0,
    ),
    row(`${name}: sslscan, Heartbleed or compression`, '0', String(broken), broken === 0),
  ]
}

function byNmap(name: string, port: string): Row {
  const text = execFileSync('nmap', ['-Pn', '-p', port, '--script', 'ssl-enum-ciphers', '127.0.0.1'], { encoding: 'utf8', timeout: 180_000 })
  const strength = /least strength: (\w)/.exec(text)?.[1] ?? 'none found'
  return row(`${name}: nmap, least strength`, 'A', strength, strength === 'A')
}

function byTestssl(name: string, port: string): Row {
  const folder = mkdtempSync(join(tmpdir(), 'testssl-'))
  try {
    const file = join(folder, 'found.json')
    spawnSync('testssl', ['--quiet', '--color', '0', '--warnings', 'batch', '--jsonfile', file, '-p', '-s', '-f', '-U', `127.0.0.1:${port}`], {
      timeout: 400_000,
    })
    const found = JSON.parse(readFileSync(file, 'utf8')) as { id: string; severity: string }[]
    const bad = found.filter(({ severity }) => ['MEDIUM', 'HIGH', 'CRITICAL'].includes(severity)).map(({ id, severity }) => `${id} (${severity})`)
    return row(`${name}: testssl.sh, findings of medium and above`, `0 of ${found.length}`, bad.join(', ') || '0', bad.length === 0 && found.length > 20)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** It connects by TCP alone, so a door on loopback leads each of its connections through the ProxyCommand. */
async function bySshAudit(sandbox: RunningSandbox): Promise<Row> {
  const { stdout, code, stderr } = await sandbox.gantry('ssh-config', deviceId, '--reason', 'Proof', '--case', 'proof')
  const command = /^\s*ProxyCommand (.+)$/m.exec(stdout)?.[1]
  if (code !== 0 || !command) throw new Error(stderr || 'no ProxyCommand')
  const children = new Set<ChildProcess>()
  const door = createServer((socket) => {
    const child = spawn('sh', ['-c', `exec ${command.replaceAll('%%', '%')}`], { stdio: ['pipe', 'pipe', 'ignore'] })
    children.add(child)
    socket.on('error', () => child.kill())
    socket.pipe(child.stdin).on('error', () => undefined)
    child.stdout.pipe(socket)
    socket.once('close', () => child.kill())
  })
  const port = await listen(door)
  try {
    const { promise, resolve } = Promise.withResolvers<{ code: number | null; text: string }>()
    const audit = spawn('ssh-audit', ['-n', '-t', '60', '-p', String(port), '127.0.0.1'], { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    audit.stdout.setEncoding('utf8').on('data', (more: string) => {
      text += more
    })
    audit.once('close', (ended) => resolve({ code: ended, text }))
    const done = await promise
    const lines = done.text.split('\n')
    const failures = lines.filter((line) => line.includes('[fail]'))
    const others = failures.filter((line) => !line.includes('nistp256'))
    const warnings = lines.filter((line) => line.includes('[warn]'))
    const algorithms = lines.filter((line) => /^\((kex|key|enc|mac)\)/.test(line))
    const found = `${others.length} other failures, ${failures.length - others.length} of P-256, ${warnings.length} warnings of ${algorithms.length} lines${others.length > 0 ? `: ${others.join('; ')}` : ''}`
    return row('the device’s SSH: ssh-audit', '0 failures but P-256', found, others.length === 0 && algorithms.length > 3)
  } finally {
    for (const child of children) child.kill()
    door.close()
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
}
