import { lstatSync, statSync } from 'node:fs'
import { basename, dirname, posix, resolve } from 'node:path'
import { AppError, fromFailure, toFailure } from '@gantry/shared/errors.ts'
import type { Transfer } from '@gantry/shared/ipc.ts'
import { includesLevel } from '@gantry/shared/profile.ts'
import { errorWords } from '@gantry/shared/words/errors.ts'
import type { Services, Session } from '../../main/services/services.ts'
import type { Console } from '../console.ts'
import { type ExitCode, usageError } from '../exit-code.ts'
import { defaults, parseAsk } from '../options.ts'
import { plain, size } from '../plain.ts'
import type { CommandContext } from '../program.ts'
import { type PutPaths, parseGetPaths, parsePutPaths } from '../remote-path.ts'
import { type Working, withServices, withSession } from '../with-services.ts'

/** Where the sources go: into a folder, the one source perhaps under another name. */
type Destination = { folder: string; as: string | undefined }
type Direction = Transfer['direction']

export async function put(context: CommandContext): Promise<ExitCode> {
  const paths = parsePutPaths(context.args, context.console.words.usage)
  // What is not here cannot be sent; nobody at the device needs to be asked for that.
  for (const path of paths.from) requireLocal(path)
  return transfer(context, 'put', { ...paths, from: paths.from.map((path) => resolve(path)) }, (session) => remoteDestination(session, paths))
}

export async function get(context: CommandContext): Promise<ExitCode> {
  const paths = parseGetPaths(context.args, context.console.words.usage)
  const destination = localDestination(paths)
  return transfer(context, 'get', paths, async () => destination)
}

async function transfer(context: CommandContext, direction: Direction, paths: PutPaths, choose: (session: Session) => Promise<Destination>): Promise<ExitCode> {
  const { place, console, options } = context
  const ask = parseAsk(options, defaults.transfer, console.words.usage)
  if (!includesLevel(ask.access, 'files')) throw usageError(console.words.usage.noFilesLevel, '--access')
  return withServices({ place, console }, async (working) => {
    const device = await working.services.devices.find(paths.device)
    const done = await withSession(working, device, ask, async (session) => {
      const { folder, as } = await choose(session)
      const input = { requestId: session.requestId, direction, from: paths.from, to: folder, replace: options.replace === true }
      return { requestId: session.requestId, transfers: await move(working, input, as) }
    })
    return conclude(done, console)
  })
}

type StartInput = Parameters<Services['transfers']['start']>[0]

async function move({ services, console, interrupt }: Working, input: StartInput, as: string | undefined): Promise<Transfer[]> {
  const stopShowing = console.io.stderr.isTTY ? services.on('transfer.changed', (one) => showLive(one, console)) : () => undefined
  const { transferIds } = await services.transfers.start(input, as === undefined ? {} : { as })
  const cancel = () => {
    for (const id of transferIds) services.transfers.cancel(id)
  }
  if (interrupt.signal.aborted) cancel()
  interrupt.signal.addEventListener('abort', cancel, { once: true })
  try {
    return await Promise.all(transferIds.map((id) => services.transfers.finished(id)))
  } finally {
    interrupt.signal.removeEventListener('abort', cancel)
    stopShowing()
  }
}

/** Each transfer on a line of its own; the first that failed decides the exit code, and all the others are told too. */
function conclude(done: { requestId: string; transfers: Transfer[] }, console: Console): ExitCode {
  const { words } = console
  for (const { name, state, filesDone, bytes, failure } of done.transfers) {
    if (state === 'done') console.say(words.transfers.done(plain(name), filesDone, size(bytes)))
    else console.say(words.transfers.failed(plain(name), ...describeFailure(failure, console)))
  }
  const failed = done.transfers.find(({ state }) => state !== 'done')
  if (failed) return console.fail(fromFailure(failed.failure ?? { code: 'file.cancelled' }))
  console.answer(done, () => '')
  return 0
}

function describeFailure(failure: Transfer['failure'], { language }: Console): [string, string] {
  const known = toFailure(fromFailure(failure ?? { code: 'file.cancelled' }))
  return [plain(errorWords(known, language).what), known.code]
}

function showLive({ name, state, bytes, totalBytes, bytesPerSecond }: Transfer, { io, words }: Console): void {
  if (state !== 'running' && state !== 'waiting' && state !== 'verifying') return void io.stderr.write('\r\u001b[K')
  const amount = totalBytes === null ? size(bytes) : `${size(bytes)} / ${size(totalBytes)}`
  const line = words.transfers.line(plain(name), amount, state === 'running' ? `${size(bytesPerSecond)}/s` : words.transfers[state])
  io.stderr.write(`\r\u001b[K${line.slice(0, (io.stderr.columns ?? 80) - 1)}`)
}

function requireLocal(path: string): void {
  try {
    lstatSync(path)
  } catch (error) {
    throw new AppError('file.not-found', { cause: error, details: { path: plain(path) } })
  }
}

/** As cp(1) does it: an existing folder takes everything; else one source gets that name. A slash at the end insists on a folder. */
async function remoteDestination({ files }: Session, { from, to }: PutPaths): Promise<Destination> {
  const path = to === '/' ? to : to.replace(/\/+$/, '')
  const there = await files.call('files.stat', { path }).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'file.not-found' && !to.endsWith('/')) return null
    throw error
  })
  if (there?.kind === 'folder') return { folder: path, as: undefined }
  if (from.length > 1 || to.endsWith('/')) throw new AppError('file.not-a-folder', { details: { path: plain(path) } })
  return { folder: posix.dirname(path), as: posix.basename(path) }
}

function localDestination({ from, to }: PutPaths): Destination {
  const path = resolve(to)
  const there = statSync(path, { throwIfNoEntry: false })
  if (there?.isDirectory()) return { folder: path, as: undefined }
  if (from.length > 1 || /[/\\]$/.test(to)) throw new AppError(there ? 'file.not-a-folder' : 'file.not-found', { details: { path: plain(to) } })
  if (!statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory()) throw new AppError('file.not-found', { details: { path: plain(dirname(to)) } })
  return { folder: dirname(path), as: basename(path) }
}
