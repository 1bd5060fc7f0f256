import { type CaseView, caseTextLimits } from '@gantry/shared/case-api.ts'
import type { Cases } from '../../main/services/services.ts'
import type { Console } from '../console.ts'
import { type ExitCode, usageError } from '../exit-code.ts'
import { parseText } from '../options.ts'
import { plain, table } from '../plain.ts'
import type { CommandContext } from '../program.ts'
import { withServices } from '../with-services.ts'

export function listCases({ place, console }: CommandContext): Promise<ExitCode> {
  return withServices({ place, console }, async ({ services }) => {
    const cases = await services.cases.list()
    const { columns, states, none } = console.words.cases
    const rows = cases.map((one) => [one.number, states[one.state], one.customer, one.device.name, one.holder, String(one.liveRequests)])
    console.answer({ cases }, () =>
      cases.length === 0 ? `${none}\n` : table([columns.number, columns.state, columns.customer, columns.device, columns.holder, columns.live], rows),
    )
    return 0
  })
}

/** With those to whom it can be escalated, where that is the person's to do. */
export function showCase(context: CommandContext): Promise<ExitCode> {
  return withCase(context, async (found, cases) => {
    const colleagues = found.held && found.state === 'open' ? await cases.colleagues(found) : []
    context.console.answer({ case: found, colleagues }, () => `${describe(found, colleagues, context.console)}\n`)
  })
}

export function escalateCase(context: CommandContext): Promise<ExitCode> {
  const { console } = context
  const typed = requireOptions(context, ['to', 'reason'])
  const to = typed.to.trim()
  const reason = parseCaseText(typed.reason, '--reason', console)
  return withCase(context, async (found, cases) => {
    const given = await cases.escalate(found, { to, reason })
    console.answer({ case: given }, () => `${console.words.cases.escalatedNow(given.number, plain(given.holder))}\n`)
  })
}

/** What ends with it is said before it ends. */
export function closeCase(context: CommandContext): Promise<ExitCode> {
  const { console } = context
  const resolution = parseCaseText(requireOptions(context, ['resolution']).resolution, '--resolution', console)
  return withCase(context, async (found, cases) => {
    const { ending, closedNow } = console.words.cases
    if (found.held && found.state === 'open') console.say(ending(found.liveRequests))
    const closed = await cases.close(found, resolution)
    console.answer({ case: closed }, () => `${closedNow(closed.number)}\n`)
  })
}

function withCase({ place, console, options, args }: CommandContext, work: (found: CaseView, cases: Cases) => Promise<void>): Promise<ExitCode> {
  return withServices({ place, console }, async ({ services: { cases } }) => {
    const customer = typeof options.customer === 'string' ? options.customer : undefined
    await work(await cases.find(args[0] ?? '', customer), cases)
    return 0
  })
}

function requireOptions<N extends string>({ options, console }: CommandContext, names: readonly N[]): Record<N, string> {
  const missing = names.filter((name) => typeof options[name] !== 'string').map((name) => `--${name}`)
  if (missing.length > 0) throw usageError(console.words.usage.missingOptions(missing.join(', ')), missing[0])
  return Object.fromEntries(names.map((name) => [name, options[name]])) as Record<N, string>
}

function parseCaseText(text: string, option: string, { words: { usage } }: Console): string {
  const given = parseText(text.trim(), { option, max: caseTextLimits.max }, usage)
  if (given.length < caseTextLimits.min) throw usageError(usage.tooShort(option, caseTextLimits.min), option)
  return given
}

/** One fact a line. Names and what people wrote come from elsewhere. */
function describe(found: CaseView, colleagues: Awaited<ReturnType<Cases['colleagues']>>, { words }: Console): string {
  const { facts, states } = words.cases
  const { escalation, closed } = found
  const lines = [
    facts.head(plain(found.number), states[found.state]),
    facts.where(plain(found.customer), plain(found.device.name)),
    facts.opened(plain(found.openedBy), momentOf(found.openedMs)),
    ...(escalation ? [facts.escalated(plain(escalation.by), momentOf(escalation.atMs), plain(escalation.reason))] : []),
    ...(closed ? [facts.closed(plain(closed.by), momentOf(closed.atMs), plain(closed.resolution))] : [facts.holder(plain(found.holder), found.held)]),
    ...(closed ? [] : [facts.live(found.liveRequests)]),
    ...colleagues.map(({ username, name, tier, country }) => facts.colleague(plain(username), plain(name), tier, country)),
  ]
  return lines.join('\n')
}

function momentOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
