import { connect } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { AppError, errorCodes, toFailure } from '@gantry/shared/errors.ts'
import { readJsonFile } from '@gantry/shared/node/json-file.ts'
import { createLineClient, type LineClient } from '@gantry/shared/node/lines.ts'
import { type SandboxApi, SandboxFile, sandboxApi } from '@gantry/shared/sandbox-api.ts'
import { errorWords } from '@gantry/shared/words/errors.ts'
import { sandboxEn } from '@gantry/shared/words/sandbox.en.ts'
import { sandboxFr } from '@gantry/shared/words/sandbox.fr.ts'
import { languageOf } from './arguments.ts'
import { answerInSession, answerRequest, describePanel, endSession } from './panel-answer.ts'

/**
 * `npm run --silent panel -- DEVICE show|approve|refuse|end|off|on …`: presses what a person at the device would press, from the command line.
 * Exit codes as the command line's: 0 done, 1 nothing to do, 2 usage, 3 refused, 5 no sandbox.
 */
const language = languageOf(process.env)
const words = language === 'fr' ? sandboxFr : sandboxEn
const verbs = ['show', 'approve', 'refuse', 'end', 'off', 'on'] as const

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  const failure = toFailure(error)
  const { what, todo } = errorWords(failure, language)
  console.error(`${what} ${todo} (${failure.code})`)
  if (failure.code === 'usage.bad') console.error(words.panelUsage.join('\n'))
  process.exitCode = errorCodes[failure.code].exit
}

async function run(argv: string[]): Promise<number> {
  const { device, verb, code, next, timeoutMs, json, folder } = read(argv)
  const client = await openClient(folder)
  try {
    const desk = {
      state: () => client.call('panel.state', { device }),
      input: async (input: Parameters<typeof client.call<'panel.input'>>[1]['input']) => void (await client.call('panel.input', { device, input })),
      pause: () => sleep(100),
      now: Date.now,
    }
    if (verb === 'show') {
      const state = await desk.state()
      console.log(json ? JSON.stringify(state) : describePanel(state, words).join('\n'))
      return 0
    }
    if (verb === 'off' || verb === 'on') {
      await desk.input({ type: 'switch', on: verb === 'on' })
      return 0
    }
    const allow = verb === 'approve'
    const time = verb === 'end' || next || code !== null ? null : await answerInSession(desk, allow)
    const outcome =
      time ??
      (verb === 'end' ? await endSession(desk, timeoutMs) : await answerRequest(desk, { allow, code, next, timeoutMs, codeNeeded: words.panel.codeNeeded }))
    if (json) console.log(JSON.stringify({ outcome }))
    else console.log(words.panel[outcome === 'code-wrong' ? 'codeWrong' : outcome])
    return (verb === 'approve' && outcome === 'approved') || (verb === 'refuse' && outcome === 'refused') || outcome === 'ended' ? 0 : 3
  } finally {
    client.close()
  }
}

function read(argv: string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        code: { type: 'string' },
        next: { type: 'boolean', default: false },
        timeout: { type: 'string', default: '120' },
        sandbox: { type: 'string', default: '.sandbox' },
        json: { type: 'boolean', default: false },
      },
    })
    const [device, verb] = positionals
    const seconds = Number(values.timeout)
    if (!device || positionals.length !== 2 || !isVerb(verb)) throw new Error('DEVICE and one verb')
    if (!(seconds >= 0 && seconds <= 86_400)) throw new Error('--timeout in seconds')
    return {
      device,
      verb,
      code: values.code ?? null,
      next: values.next,
      timeoutMs: seconds * 1_000,
      json: values.json,
      folder: resolve(process.env.INIT_CWD ?? '.', values.sandbox),
    }
  } catch (error) {
    throw new AppError('usage.bad', { cause: error, details: { problem: error instanceof Error ? error.message.slice(0, 200) : '' } })
  }
}

function isVerb(verb: string | undefined): verb is (typeof verbs)[number] {
  return verbs.some((known) => known === verb)
}

async function openClient(folder: string): Promise<LineClient<SandboxApi>> {
  try {
    const { controlSocket } = readJsonFile(join(folder, 'sandbox.json'), SandboxFile)
    const { promise, resolve: connected, reject } = Promise.withResolvers<void>()
    const socket = connect(controlSocket, connected).once('error', reject)
    await promise
    return createLineClient(sandboxApi, socket)
  } catch (error) {
    throw new AppError('sandbox.not-running', { cause: error, details: { folder } })
  }
}
