import { type ActionName, actions } from '@gantry/shared/actions.ts'
import { parse } from '@gantry/shared/contract.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { includesLevel } from '@gantry/shared/profile.ts'
import type { z } from 'zod'
import type { Console } from '../console.ts'
import { type ExitCode, usageError } from '../exit-code.ts'
import { defaults, parseAsk } from '../options.ts'
import { plain } from '../plain.ts'
import type { CommandContext } from '../program.ts'
import { withServices, withSession } from '../with-services.ts'

/** Action and input are checked here first: what the device would refuse must not make it ring. */
export async function runAction({ place, console, options, args }: CommandContext): Promise<ExitCode> {
  const { usage } = console.words
  const name = parseAction(args[1] ?? '')
  const { access: least } = actions[name]
  const schema: z.ZodType = actions[name].input
  const ask = parseAsk(options, { access: least, minutes: defaults.run.minutes }, usage)
  if (!includesLevel(ask.access, least)) throw usageError(usage.levelTooLow(least), '--access')
  const input = parse(schema, parseInput(options.input, console), '--input')
  return withServices({ place, console }, async (working) => {
    const device = await working.services.devices.find(args[0] ?? '')
    const done = await withSession(working, device, ask, async (session) => ({
      requestId: session.requestId,
      output: await session.runAction(name, input, { signal: working.interrupt.signal }),
    }))
    console.answer({ action: name, ...done }, () => `${describe(done.output)}\n`)
    return 0
  })
}

function parseAction(text: string): ActionName {
  if (!Object.hasOwn(actions, text)) throw new AppError('action.unknown', { details: { name: plain(text).slice(0, 60) } })
  return text as ActionName
}

function parseInput(typed: unknown, { words }: Console): unknown {
  try {
    return typeof typed === 'string' ? JSON.parse(typed) : {}
  } catch {
    throw usageError(words.usage.badJson, '--input')
  }
}

/** An answer for a person: one fact a line, what belongs together indented. The text is the device's own. */
function describe(value: unknown, indent = ''): string {
  if (Array.isArray(value)) return value.map((one) => (isNested(one) ? `${indent}-\n${describe(one, `${indent}  `)}` : `${indent}${leaf(one)}`)).join('\n')
  if (typeof value !== 'object' || value === null) return indent + leaf(value)
  return Object.entries(value)
    .map(([key, one]) => `${indent}${plain(key)}:${isNested(one) ? `\n${describe(one, `${indent}  `)}` : ` ${leaf(one)}`}`)
    .join('\n')
}

function isNested(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0
}

function leaf(value: unknown): string {
  return typeof value === 'string' ? plain(value) : (JSON.stringify(value) ?? '')
}
