import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join as joinPath } from 'node:path'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parse } from '@gantry/shared/contract.ts'
import { AppError, fromFailure } from '@gantry/shared/errors.ts'
import { parseLine, readLines, writeLine } from '@gantry/shared/node/lines.ts'
import { createProfileLock } from '../../main/services/profile-lock.ts'
import { type Console, createConsole, type Io } from '../console.ts'
import type { ExitCode } from '../exit-code.ts'
import { chooseLanguage } from '../language.ts'
import { askPinAtTerminal } from '../pin.ts'
import { profileOf } from '../place.ts'
import { createProgress } from '../progress.ts'
import { requireRunning } from '../sandbox-control.ts'
import { FromBroker, maxBrokerLineBytes } from './broker-protocol.ts'
import { filesOf, readConfiguration } from './configuration.ts'

/** A broker has its socket within a second; the one before it may need some to leave. A slow disk or a busy computer is no failure. */
const startMs = 60_000
const pollMs = 25
/** How long the broker may take to say why a session ended. */
const causeMs = 2_000
/** The device's closing follows its last words within this time. */
const hangUpMs = 40
/** A broker that is just ending sends its callers to the next one; more than a few times in a row is no chance. */
const maxAgain = 5

/**
 * ProxyCommand of a printed configuration: `gantry ssh-proxy FOLDER`. stdin and stdout are OpenSSH's; what a person should know goes to stderr, which ssh passes on.
 * It loads neither the client's services nor any key: the broker has those.
 */
export async function runProxy(folder: string, io: Io): Promise<ExitCode> {
  let console = createConsole(io, { language: chooseLanguage(io.env), json: false })
  process.umask(0o077)
  try {
    const configuration = readConfiguration(folder)
    console = createConsole(io, { language: chooseLanguage(io.env, profileOf(configuration.place) ?? undefined), json: false })
    const { place } = configuration
    const requirePlace = async () => place.kind === 'profile' || (await requireRunning(place.folder))
    const { brokerSocket, startLock } = filesOf(folder, configuration)
    const fromSsh = bufferInput(io)
    await requirePlace()
    const find = () =>
      findBroker(brokerSocket, { startLock, folder }).catch(async (error: unknown) => {
        // A broker whose sandbox stops while it starts can say nothing.
        await requirePlace()
        throw error
      })
    let pin: string | null = null
    for (let attempt = 1; ; attempt++) {
      const outcome = await join(await find(), { console, fromSsh, pin, dial: () => dial(brokerSocket) })
      if (typeof outcome === 'number') return outcome
      // stdin is OpenSSH's, so the person is asked at the terminal itself; the broker that was told to go without is over by then.
      if (outcome !== 'again') pin = await askPinAtTerminal(console)
      if (typeof outcome === 'object' && !pin) return console.fail(outcome)
      if (attempt === maxAgain) throw new AppError('session.ended')
    }
  } catch (error) {
    return console.fail(error, brokerLog(folder))
  }
}

/**
 * OpenSSH sends its version at once and then waits. Reading it now is what makes its death noticeable while the device is asked.
 * A closed stdin before the session is open ends the process, and with it the request.
 */
function bufferInput({ stdin }: Io): PassThrough {
  const kept = new PassThrough()
  pipeline(stdin, kept).catch(() => undefined)
  return kept
}

async function findBroker(socketPath: string, { startLock, folder }: { startLock: string; folder: string }): Promise<Socket> {
  const tryStart = createProfileLock(startLock, { waitMs: 0 })
  const giveUp = AbortSignal.timeout(startMs)
  while (!giveUp.aborted) {
    const there = await dial(socketPath).catch(() => null)
    if (there) return there
    // Of eight that come at once, one starts the broker and holds the lock until it answers; the others look again.
    const started = await tryStart(() => start(socketPath, folder, giveUp)).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'state.in-use') return null
      throw error
    })
    if (started) return started
    await sleep(pollMs)
  }
  throw new AppError('server.unreachable', { details: { host: 'ssh-broker', hop: 'start' } })
}

async function start(socketPath: string, folder: string, giveUp: AbortSignal): Promise<Socket | null> {
  const there = await dial(socketPath).catch(() => null)
  if (there) return there
  const main = fileURLToPath(new URL('../main.ts', import.meta.url))
  const log = openSync(brokerLog(folder), 'w', 0o600)
  const child = spawn(process.execPath, [main, 'ssh-broker', folder], { detached: true, stdio: ['ignore', 'ignore', log], cwd: '/' })
  child.unref()
  closeSync(log)
  while (!giveUp.aborted && child.exitCode === null && child.signalCode === null) {
    const socket = await dial(socketPath).catch(() => null)
    if (socket) return socket
    await sleep(pollMs)
  }
  throw new AppError('internal', { details: { exit: child.exitCode ?? 'none' } })
}

/** What a broker says that could not even begin; anything later is in the services' own log. */
function brokerLog(folder: string): string {
  return joinPath(folder, 'broker.log')
}

async function dial(path: string): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = connect({ path, allowHalfOpen: true }, resolve)
  socket.once('error', reject)
  await promise
  socket.off('error', reject)
  socket.on('error', () => socket.destroy())
  return socket
}

type Joining = { console: Console; fromSsh: PassThrough; pin: string | null; dial: () => Promise<Socket> }

/** An `AppError` is what a PIN mends. */
async function join(control: Socket, { console, fromSsh, pin, dial }: Joining): Promise<ExitCode | 'again' | AppError> {
  const { io, words } = console
  const progress = createProgress(console)
  const gone = () => {
    progress.close()
    console.say(words.ssh.cancelled)
    process.exit(3)
  }
  io.stdin.once('end', gone).once('close', gone)
  process.once('SIGINT', gone)
  let pumped: Promise<void> | null = null
  try {
    await writeLine(control, { kind: 'join', ...(pin ? { pin } : {}) })
    for await (const line of readLines(control, { maxBytes: maxBrokerLineBytes })) {
      const message = parse(FromBroker, parseLine(line), 'line')
      if (message.kind === 'again') return 'again'
      if (message.kind === 'progress') progress.show(message.progress)
      if (message.kind === 'ended' && message.cause !== null) console.say(words.progress.ended(message.cause))
      if (message.kind === 'failure') {
        progress.close()
        const failure = fromFailure(message.failure)
        if (failure.code === 'auth.pin-needed' || failure.code === 'auth.pin-wrong') return failure
        if (!message.renewed) return console.fail(failure)
        console.say(words.ssh.keyRenewed)
        return 3
      }
      if (message.kind === 'open') {
        io.stdin.off('end', gone).off('close', gone)
        process.off('SIGINT', gone)
        progress.close()
        pumped = pump(await dial(), message.token, { io, fromSsh })
        outliveSsh(pumped)
        // The broker says why, then closes; a broker that is gone says nothing.
        void pumped.then(() => sleep(causeMs)).then(() => control.destroy())
      }
    }
    await pumped
    return pumped ? 0 : console.fail(new AppError('session.ended'))
  } finally {
    progress.close()
    io.stdin.off('end', gone).off('close', gone)
    process.off('SIGINT', gone)
    control.destroy()
  }
}

/**
 * OpenSSH sends SIGHUP when it is done. When it is done because the device hung up, the cause is still on its way, and the person wants to know it: then the process
 * lives until it has told it. Otherwise it must not hold stderr open, which whoever runs ssh may be reading to its end.
 */
function outliveSsh(pumped: Promise<void>): void {
  process.once('SIGHUP', () => {
    let hungUp = false
    void pumped.then(() => {
      hungUp = true
    })
    void sleep(hangUpMs).then(() => !hungUp && process.exit(0))
  })
}

/** Until the device's side is at its end: OpenSSH closes its own only when ours has closed, so waiting for both would be for ever. */
async function pump(data: Socket, token: string, { io, fromSsh }: { io: Io; fromSsh: PassThrough }): Promise<void> {
  data.setNoDelay(true)
  await writeLine(data, { kind: 'data', token })
  pipeline(fromSsh, data).catch(() => undefined)
  await pipeline(data, io.stdout, { end: false }).catch(() => undefined)
}
