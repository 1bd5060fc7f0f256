import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { AppError, errorCodes, toFailure } from '@gantry/shared/errors.ts'
import { readPageFiles } from '@gantry/shared/node/page-files.ts'
import { errorWords } from '@gantry/shared/words/errors.ts'
import { sandboxEn } from '@gantry/shared/words/sandbox.en.ts'
import { sandboxFr } from '@gantry/shared/words/sandbox.fr.ts'
import { isOrphaned, watchedAncestors } from './ancestry.ts'
import { languageOf, readArguments, type SandboxArguments } from './arguments.ts'
import { openPanelPages, type PanelPages } from './panel-pages.ts'
import { describeEvent, describeSandbox, readyFacts } from './report.ts'
import { type Sandbox, type SandboxOptions, startSandbox } from './sandbox.ts'
import { openWindow, type Window } from './window.ts'

const root = join(import.meta.dirname, '..')
const startTries = 3

/** `npm start`, `npm run sandbox`: the whole system on one machine, in the foreground, until Ctrl-C. Ends the process. */
export async function runSandboxCommand(argv: string[]): Promise<never> {
  let language = languageOf(process.env)
  try {
    const options = readArguments(argv, root, process.env)
    language = options.language
    await run(options)
    process.exit(0)
  } catch (error) {
    const failure = toFailure(error)
    const { what, todo } = errorWords(failure, language)
    console.error(`${what} ${todo} (${failure.code})`)
    // A defect, or a part's last word, is nothing without its cause.
    if (failure.code === 'internal') console.error(error)
    process.exit(errorCodes[failure.code].exit)
  }
}

async function run(options: SandboxArguments): Promise<void> {
  const words = options.language === 'fr' ? sandboxFr : sandboxEn
  if (options.help) return console.log(words.usage.join('\n'))
  const say = (line: string) => (options.json ? console.error(line) : console.log(line))
  const stopping = stopSignal(options.stopWithStdin)

  if (options.build) build(words.buildFailed)
  const startMs = Date.now()
  say(words.starting)
  const started = await startPatiently({ ...options, signal: stopping.signal, onEvent: (event) => report(describeEvent(event, words), say) }).catch((error) => {
    // Told to stop before everything was up: then parts end early, and that is no failure.
    if (!stopping.signal.aborted) throw error
    return null
  })
  if (!started) return say(words.stopped)
  const { sandbox, pages } = started
  let window: Window | null = null
  try {
    say(words.ready(((Date.now() - startMs) / 1_000).toFixed(1)))
    if (options.json) console.log(JSON.stringify(readyFacts(sandbox)))
    else say(describeSandbox(sandbox, words).join('\n'))
    if (!options.headless && !stopping.signal.aborted) window = await openWindow(sandbox, pages, { ...options, words, say, signal: stopping.signal })
    say(offerLinks(window) ? words.newLinks : words.stop)
    await stopping.asked
    say(words.stopping)
  } finally {
    await window?.close()
    await pages.close()
    await sandbox.stop()
  }
  say(words.stopped)
}

function build(failed: string): void {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/build.ts'), '--if-changed'], { stdio: 'inherit' })
  if (status !== 0) throw new AppError('internal', { cause: new Error(failed) })
}

type Started = { sandbox: Sandbox; pages: PanelPages }

/** A port can be taken by somebody else between the look and the use: then all are chosen anew. */
async function startPatiently(options: SandboxOptions): Promise<Started> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await startWithPages(options)
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'port.busy' || tries === startTries) throw error
    }
  }
}

async function startWithPages(options: SandboxOptions): Promise<Started> {
  const sandbox = await startSandbox(options)
  try {
    const folder = join(root, 'out/panel')
    const files = existsSync(folder) ? await readPageFiles(folder) : null
    return { sandbox, pages: await openPanelPages(sandbox.desk, { port: sandbox.ports.panels, files }) }
  } catch (error) {
    await sandbox.stop()
    throw error
  }
}

function report(line: string | null, say: (line: string) => void): void {
  if (line) say(line)
}

/** True when a person sits there who can ask for fresh links with Enter. */
function offerLinks(window: Window | null): boolean {
  if (!window || !process.stdin.isTTY) return false
  createInterface({ input: process.stdin }).on('line', () => window.refresh())
  return true
}

/**
 * Ctrl-C, a closed terminal, a polite kill, the end of stdin where that is asked for, or the death of npm above us. A second Ctrl-C ends at once: the parts
 * notice and end by themselves.
 */
function stopSignal(stopWithStdin: boolean): { asked: Promise<void>; signal: AbortSignal } {
  const { promise, resolve } = Promise.withResolvers<void>()
  const controller = new AbortController()
  const stop = () => {
    controller.abort()
    resolve()
  }
  const interrupt = () => (controller.signal.aborted ? process.exit(1) : stop())
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, interrupt)
  if (stopWithStdin) process.stdin.once('end', stop).once('error', stop).resume()
  // Whoever read our lines may be gone; that is no reason to fall.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  const ancestors = watchedAncestors()
  const watch = setInterval(() => {
    if (!isOrphaned(ancestors)) return
    clearInterval(watch)
    stop()
  }, 500)
  watch.unref()
  return { asked: promise, signal: controller.signal }
}
