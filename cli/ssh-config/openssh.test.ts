import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { AppError } from '@gantry/shared/errors.ts'
import type { DeviceId, RequestId } from '@gantry/shared/ids.ts'
import type { RequestProgress } from '@gantry/shared/ipc.ts'
import { writeFileWhole } from '@gantry/shared/node/json-file.ts'
import { generateSigningKey, type SigningKey } from '@gantry/shared/node/signing.ts'
import { commandLineEn } from '@gantry/shared/words/command-line.en.ts'
import ssh2 from 'ssh2'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { wire } from '../../test/support/wire.ts'
import { type Broker, type BrokerEnd, createBroker } from './broker.ts'
import { type BrokerServer, listen, serveBroker } from './broker-server.ts'
import { configText } from './config-text.ts'
import { type Configuration, configurationFolder, filesOf, newConfigurationId, storeConfiguration } from './configuration.ts'
import { serveKeys } from './key-agent.ts'
import { publicBlob, publicLine } from './ssh-wire.ts'

const run = promisify(execFile)
const deviceId = 'dev_abcdefghijklmnopqrst' as DeviceId
const username = 'a.tremblay'
const keys = { session: generateSigningKey(), support: generateSigningKey(), host: generateSigningKey(), stranger: generateSigningKey() }

/** A device's SSH server: the two keys in turn (architecture 2.7), then `exec` repeats what it was given and what came on stdin. */
function createDevice(hostKey: SigningKey) {
  const order: string[] = []
  const working = Promise.withResolvers<void>()
  const pem = hostKey.privateKey.export({ type: 'sec1', format: 'pem' }).toString()
  const server = new ssh2.Server({ hostKeys: [pem], algorithms: { cipher: ['aes256-gcm@openssh.com'], compress: ['none'] } }, (client) => {
    const wanted = [keys.session, keys.support]
    client.on('authentication', (context) => {
      const blob = publicBlob((wanted[0] ?? keys.stranger).publicJwk)
      if (context.method !== 'publickey' || !context.key.data.equals(blob)) return context.reject(['publickey'], false)
      if (!context.signature) return context.accept()
      order.push(wanted[0] === keys.session ? 'session' : 'support')
      wanted.shift()
      return wanted.length === 0 ? context.accept() : context.reject(['publickey'], true)
    })
    client.on('error', () => undefined)
    client.on('session', (accept) => {
      accept().on('exec', (acceptExec, _, { command }) => {
        const channel = acceptExec()
        working.resolve()
        void text(channel).then((input) => {
          channel.write(`${command}|${input}`)
          channel.exit(0)
          channel.end()
        })
      })
    })
  })
  return { order, working: working.promise, attach: (stream: Duplex) => server.injectSocket(stream as never) }
}

const progress = (part: Partial<RequestProgress>): RequestProgress => ({
  requestId: 'req_abcdefghijklmnopqrst' as RequestId,
  device: { id: deviceId, name: 'CT Suite 3', site: 'Pavillon C' },
  ...{ access: 'os', serviceKind: 'support', reason: 'test', caseId: 'C-1', minutes: 15, state: 'requested' },
  ...{ steps: [{ name: 'signed', atMs: 0 }], contact: null, code: null, typed: true, answerBeforeMs: null, passed: [], accessServer: null, failure: null },
  ...part,
})

type Stage = { config: string; broker: Broker; asked: () => number; order: string[]; working: Promise<void>; end: (end: BrokerEnd) => void }
let folder: string
let closing: (() => void)[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gantry-ssh test-'))
  closing = []
})
afterEach(() => {
  for (const close of closing) close()
  rmSync(folder, { recursive: true, force: true })
})

/** Everything between a real OpenSSH and a device, but for the network: the ProxyCommand is the real process. */
async function createStage({ hostKey = keys.host, refuse = false, hold = false } = {}): Promise<Stage> {
  const id = newConfigurationId()
  const runtimeFolder = mkdtempSync(join(tmpdir(), 'gr-'))
  const place = { kind: 'profile' as const, folder, server: null, otherNames: [], caFile: null }
  const configuration: Configuration = {
    ...{ version: 1, id, place, deviceId, username, access: 'os', serviceKind: 'support', reason: 'test', caseId: 'C-1', minutes: 15, patientData: false },
    runtimeFolder,
  }
  const own = configurationFolder(folder, id)
  const files = filesOf(own, configuration)
  mkdirSync(own, { recursive: true })
  storeConfiguration(own, configuration)
  for (const [path, key] of [
    [files.session, keys.session],
    [files.next, keys.stranger],
    [files.support, keys.support],
  ] as const) {
    writeFileSync(path, publicLine(key.publicJwk, 'test'))
  }
  writeFileSync(files.knownHosts, '')
  const device = createDevice(keys.host)
  const ended = Promise.withResolvers<BrokerEnd>()
  let asked = 0
  const broker = createBroker({
    async ask({ onProgress, signal }) {
      asked += 1
      const steps: RequestProgress['steps'] = [
        { name: 'signed', atMs: 0 },
        { name: 'picked-up', atMs: 2_000 },
        { name: 'code', atMs: 2_000 },
      ]
      onProgress(progress({ state: 'picked-up', steps, code: '482193' }))
      if (hold) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      if (refuse) throw new AppError('access.refused')
      writeFileWhole(files.knownHosts, `${deviceId} ${publicLine(hostKey.publicJwk, '')}`)
      const openLeg = async () => {
        const [near, far] = wire()
        closing.push(() => near.destroy())
        device.attach(far)
        return near
      }
      return { openLeg, ended: ended.promise }
    },
  })
  const agent: Server = createServer(
    (socket) => void serveKeys(socket, { username, keys: () => [keys.session, keys.support].map((key) => ({ key, comment: 'test' })) }),
  )
  await listen(agent, files.agentSocket)
  const server: BrokerServer = await serveBroker({ socketPath: files.brokerSocket, broker, isRenewal: () => false })
  closing.push(() => {
    broker.stop()
    server.stopListening()
    agent.close()
    rmSync(runtimeFolder, { recursive: true, force: true })
  })
  const config = join(folder, 'config')
  const text = configText(
    {
      ...{ hostPattern: 'INJ-0001', deviceId, username, agentSocket: files.agentSocket, knownHosts: files.knownHosts },
      proxyCommand: [process.execPath, fileURLToPath(new URL('../main.ts', import.meta.url)), 'ssh-proxy', own],
      identityFiles: [files.session, files.support, files.next],
    },
    commandLineEn.usage,
  )
  writeFileSync(config, text)
  return { config, broker, asked: () => asked, order: device.order, working: device.working, end: ended.resolve }
}

const env = { ...process.env, LANG: 'C' }

describe('OpenSSH through a printed configuration', () => {
  test('the two keys answer in turn, the host key is believed though it came after ssh started, and stderr holds the code on a line of its own (R078, R080)', async () => {
    const { config, order } = await createStage()
    const { stdout, stderr } = await run('ssh', ['-n', '-F', config, 'INJ-0001', 'hello'], { env, timeout: 15_000 })
    expect(stdout).toBe('hello|')
    expect(order).toEqual(['session', 'support'])
    expect(stderr.split('\n')).toContain('matching code 482 193')
  })

  test('a host key that is not the registered one is refused', async () => {
    const { config, order } = await createStage({ hostKey: keys.stranger })
    await expect(run('ssh', ['-n', '-F', config, 'INJ-0001', 'hello'], { env, timeout: 15_000 })).rejects.toThrow(/REMOTE HOST IDENTIFICATION HAS CHANGED/)
    expect(order).toEqual([])
  })

  test('stdin reaches the device whole, and its end too', async () => {
    const { config } = await createStage()
    const child = spawn('ssh', ['-F', config, 'INJ-0001', 'cat'], { env, stdio: ['pipe', 'pipe', 'ignore'] })
    child.stdin.end('x'.repeat(1_000_000))
    expect((await text(child.stdout)).length).toBe('cat|'.length + 1_000_000)
  })

  test('three connections at once are one question', async () => {
    const { config, asked } = await createStage()
    const all = await Promise.all(['a', 'b', 'c'].map((word) => run('ssh', ['-n', '-F', config, 'INJ-0001', word], { env, timeout: 15_000 })))
    expect(all.map(({ stdout }) => stdout)).toEqual(['a|', 'b|', 'c|'])
    expect(asked()).toBe(1)
  })

  test('a shared connection (ControlMaster) works', async () => {
    const { config } = await createStage()
    const shared = ['-F', config, '-o', 'ControlMaster=auto', '-o', `ControlPath=${join(tmpdir(), 'gr-%C')}`, '-o', 'ControlPersist=2']
    const first = await run('ssh', ['-n', ...shared, 'INJ-0001', 'one'], { env, timeout: 15_000 })
    const second = await run('ssh', ['-n', ...shared, 'INJ-0001', 'two'], { env, timeout: 15_000 })
    expect([first.stdout, second.stdout]).toEqual(['one|', 'two|'])
    await run('ssh', ['-n', ...shared, '-O', 'exit', 'INJ-0001'], { env }).catch(() => undefined)
  })

  test('a refusal is told in words with its code, and ssh fails', async () => {
    const { config } = await createStage({ refuse: true })
    const failure = await run('ssh', ['-n', '-F', config, 'INJ-0001', 'hello'], { env, timeout: 15_000 }).catch(
      (error: { code: number; stderr: string }) => error,
    )
    expect('code' in failure && failure.code).toBe(255)
    expect(failure.stderr).toContain('(access.refused)')
  })

  test.each(['SIGINT', 'SIGKILL'] as const)('ssh killed by %s while the device is asked withdraws the request', async (signal) => {
    const { config, broker } = await createStage({ hold: true })
    const child: ChildProcess = spawn('ssh', ['-F', config, 'INJ-0001', 'hello'], { env, stdio: ['pipe', 'pipe', 'pipe'] })
    for await (const line of child.stderr ?? []) if (String(line).includes('matching code')) break
    child.kill(signal)
    expect(await broker.finished).toEqual({ cause: null, failure: { code: 'access.cancelled' } })
  })

  test('the cause is told when somebody else ends the session', async () => {
    const { config, end, broker, working } = await createStage()
    const child = spawn('ssh', ['-F', config, 'INJ-0001', 'cat'], { env, stdio: ['pipe', 'ignore', 'pipe'] })
    const said = text(child.stderr)
    await working
    end({ cause: 'person', failure: null })
    await broker.finished
    for (const close of closing.splice(0)) close()
    const stderr = await said
    expect(stderr).toContain('session ended: ended at the device')
  })
})

describe('what lies on disk', () => {
  test('no file of a configuration holds a private key or the word for one', async () => {
    await createStage()
    const { stdout } = await run('grep', ['-rlE', 'PRIVATE|"d"', folder]).catch((error: { stdout: string }) => error)
    expect(stdout).toBe('')
    expect(readFileSync(join(folder, 'config'), 'utf8')).toContain('IdentityAgent')
  })
})
