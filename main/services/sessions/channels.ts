import { type Actions, actions } from '@gantry/shared/actions.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { createLineClient } from '@gantry/shared/node/lines.ts'
import { subsystems } from '@gantry/shared/session-api.ts'
import type { Client, ClientChannel } from 'ssh2'
import type { Exec, TerminalOptions } from '../services.ts'
import { openChannel } from './ssh-client.ts'

/** What runs in a session, each on an SSH channel of its own. */
const maxActionAnswerBytes = 1_048_576

/** One action: one request and one answer on a channel of `gantry-actions`. Errors: `action.unknown`, `contract.bad-input`, and the device's own. */
export async function runAction(client: Client, name: string, input: unknown, signal?: AbortSignal): Promise<unknown> {
  signal?.throwIfAborted()
  if (!Object.hasOwn(actions, name)) throw new AppError('action.unknown', { details: { action: name.slice(0, 60) } })
  const stream = await openChannel(client, name, (one, done) => one.subsys(subsystems.actions, done))
  const lines = createLineClient<Actions>(actions, stream, { maxBytes: maxActionAnswerBytes })
  const abort = () => stream.destroy()
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await lines.call(name as keyof Actions, input as never)
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', abort)
    lines.close()
  }
}

export async function openExec(client: Client, command: string, signal?: AbortSignal): Promise<Exec> {
  signal?.throwIfAborted()
  const channel = await openChannel(client, 'exec', (one, done) => one.exec(command, done))
  const exit = Promise.withResolvers<{ code: number | null; signal: string | null }>()
  let status: { code: number | null; signal: string | null } = { code: null, signal: null }
  channel.on('exit', (code: number | null, name?: string) => {
    status = { code, signal: name ?? null }
  })
  const abort = () => channel.destroy()
  signal?.addEventListener('abort', abort, { once: true })
  channel.once('close', () => {
    signal?.removeEventListener('abort', abort)
    exit.resolve(status)
  })
  return { stream: channel, stderr: channel.stderr, exit: exit.promise }
}

/** A pty with the device's shell, or with its service menu where the level holds no more: which one is the device's to say. */
export function openShell(client: Client, { columns, rows, term = 'xterm-256color' }: TerminalOptions): Promise<ClientChannel> {
  const window = { cols: columns, rows, width: 0, height: 0, term }
  return openChannel(client, 'terminal', (one, done) => one.shell(window, done))
}
