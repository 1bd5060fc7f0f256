import { spawn } from 'node:child_process'
import { accessSync, constants, rmSync } from 'node:fs'
import { basename, delimiter, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { readJsonFile } from '@gantry/shared/node/json-file.ts'
import { z } from 'zod'

/**
 * A browser of the sandbox's own: empty profile, nothing in the background, and the sandbox's CA known by its public key only, so that the system's trust
 * store stays as it is. Pages are opened over the debugging pipe, never on the command line, which every account of the machine can read:
 * a link opens a door. The browser ends with the pipe, so none is left behind.
 */
export type Browser = { name: string; open(url: string, where: 'tab' | 'window'): void; closed: Promise<void>; close(): Promise<void> }

const Programs = z.object({ names: z.array(z.string()), paths: z.record(z.string(), z.array(z.string())) })

export function findBrowser(env: NodeJS.ProcessEnv = process.env, platform: string = process.platform): string | null {
  const { names, paths } = readJsonFile(join(import.meta.dirname, 'data/browsers.json'), Programs)
  const inPath = (env.PATH ?? '').split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)))
  return [...inPath, ...(paths[platform] ?? [])].find(isProgram) ?? null
}

export function hasDisplay(env: NodeJS.ProcessEnv = process.env, platform: string = process.platform): boolean {
  return platform !== 'linux' || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** `pin` is the SPKI hash of the sandbox's CA in base64. */
export function browserArguments(profile: string, pin: string, asRoot = process.getuid?.() === 0): string[] {
  return [
    `--user-data-dir=${profile}`,
    `--ignore-certificate-errors-spki-list=${pin}`,
    '--remote-debugging-pipe',
    '--no-first-run',
    '--no-default-browser-check',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-default-apps',
    '--disable-domain-reliability',
    '--disable-client-side-phishing-detection',
    '--disable-quic',
    '--disable-features=Translate,MediaRouter,OptimizationHints,AutofillServerCommunication',
    '--password-store=basic',
    '--test-type',
    // Chromium's own sandbox needs an account that is not root.
    ...(asRoot ? ['--no-sandbox'] : []),
    'about:blank',
  ]
}

/** `profile` is emptied before and after. */
export function startBrowser(program: string, { profile, pin }: { profile: string; pin: string }): Browser {
  const clear = () => rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  clear()
  const child = spawn(program, browserArguments(profile, pin), { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  const end = () => {
    clear()
    resolve()
  }
  child.once('exit', end)
  child.once('error', end)
  const send = talkTo(child.stdio[3] as Writable, child.stdio[4] as Readable)
  const emptyTabs = send('Target.getTargets', {}).then((answer) =>
    Targets.parse(answer).targetInfos.filter(({ type, url }) => type === 'page' && url === 'about:blank'),
  )
  emptyTabs.catch(() => undefined)
  const closeEmptyTabs = async () => {
    for (const { targetId } of await emptyTabs) await send('Target.closeTarget', { targetId })
  }
  return {
    name: basename(program),
    open(url, where) {
      // The empty tab that it started with may go once there is another.
      send('Target.createTarget', { url, newWindow: where === 'window' })
        .then(closeEmptyTabs)
        .catch(() => undefined)
    },
    closed,
    async close() {
      send('Browser.close', {}).catch(() => undefined)
      const force = setTimeout(() => child.kill('SIGKILL'), 2_000)
      await closed.finally(() => clearTimeout(force))
    },
  }
}

const Targets = z.object({ targetInfos: z.array(z.object({ targetId: z.string(), type: z.string(), url: z.string() })) })
const Answer = z.object({ id: z.number(), result: z.unknown() })
const maxMessageBytes = 1_000_000

/** Chrome DevTools Protocol over a pair of pipes: JSON, each message ended by NUL. An answer that never comes is nobody's trouble: then the browser is gone. */
function talkTo(output: Writable, input: Readable): (method: string, params: object) => Promise<unknown> {
  const waiting = new Map<number, (result: unknown) => void>()
  let lastId = 0
  let text = ''
  output.on('error', () => undefined)
  input.on('error', () => undefined)
  input.setEncoding('utf8').on('data', (chunk: string) => {
    const messages = (text + chunk).split('\0')
    text = (messages.pop() ?? '').slice(-maxMessageBytes)
    for (const message of messages) {
      const answer = Answer.safeParse(JSON.parse(message))
      if (!answer.success) continue
      waiting.get(answer.data.id)?.(answer.data.result)
      waiting.delete(answer.data.id)
    }
  })
  return (method, params) => {
    const id = ++lastId
    const { promise, resolve } = Promise.withResolvers<unknown>()
    waiting.set(id, resolve)
    output.write(`${JSON.stringify({ id, method, params })}\0`)
    return promise
  }
}
