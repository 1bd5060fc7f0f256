import { type ActionName, actions } from '@gantry/shared/actions.ts'
import { parse, type Serve } from '@gantry/shared/contract.ts'
import { AppError, type Result, toFailure } from '@gantry/shared/errors.ts'
import { parseLine, readLines } from '@gantry/shared/node/lines.ts'
import { type AccessLevel, includesLevel, type ProfileLimits } from '@gantry/shared/profile.ts'
import { maxSessionLineBytes } from '@gantry/shared/session-api.ts'
import type { ServerChannel } from 'ssh2'
import { z } from 'zod'
import type { SessionRecord } from './record.ts'

/** The subsystem `gantry-actions`: one line {"id","name","input"} in, one line {"id","result"} out, and the channel closes with status 0 or 1. */
export type ActionChannelOptions<Context> = {
  channel: ServerChannel
  level: AccessLevel
  /** What the person's profile holds of them. */
  allowed: ProfileLimits['actions']
  serve: Serve<Context>
  context: Context
  record: SessionRecord
  touch(bytes: number): void
}

const Call = z.strictObject({ id: z.number().int().positive(), name: z.string().max(80), input: z.unknown() })

export async function serveAction<Context>(options: ActionChannelOptions<Context>): Promise<void> {
  const { channel, touch } = options
  try {
    const line = await firstLine(channel)
    touch(line.length)
    const { id, ...call } = parse(Call, parseLine(line), 'action')
    const result = await answer(options, call)
    channel.write(`${JSON.stringify({ id, result })}\n`)
    channel.exit(result.ok ? 0 : 1)
  } catch {
    // Not a call at all: there is no id to answer to.
    channel.exit(2)
  }
  channel.end()
}

async function answer<Context>(
  { level, allowed, serve, context, record }: ActionChannelOptions<Context>,
  { name, input }: { name: string; input: unknown },
): Promise<Result<unknown>> {
  try {
    requireLevel(name, level, record)
    requireInProfile(name, allowed, record)
    record.write('action.started', { data: { action: name } })
    record.show('action', name, { done: false })
    const result = await serve(name, input, context)
    record.write('action.finished', { data: { action: name, ok: result.ok, ...(result.ok ? {} : { code: result.failure.code }) } })
    record.show('action', name)
    return result
  } catch (error) {
    return { ok: false, failure: toFailure(error) }
  }
}

async function firstLine(channel: ServerChannel): Promise<string> {
  for await (const line of readLines(channel, { maxBytes: maxSessionLineBytes })) return line
  throw new AppError('contract.bad-input', { details: { name: 'action', field: 'line' } })
}

function requireLevel(name: string, level: AccessLevel, record: SessionRecord): void {
  if (!Object.hasOwn(actions, name)) throw new AppError('action.unknown', { details: { name: name.slice(0, 80) } })
  const needed = actions[name as ActionName].access
  if (includesLevel(level, needed)) return
  record.refuse('action', name)
  throw new AppError('access.level-not-allowed', { details: { level: needed } })
}

/** R072, R073: by name. */
function requireInProfile(name: string, allowed: ProfileLimits['actions'], record: SessionRecord): void {
  if (allowed === '*' || allowed.includes(name)) return
  record.refuse('action', name)
  throw new AppError('action.not-allowed', { details: { name } })
}
