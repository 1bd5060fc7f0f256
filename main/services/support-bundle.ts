import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Failure } from '@gantry/shared/errors.ts'
import type { CallOutput, SessionView, Transfer } from '@gantry/shared/ipc.ts'
import type { Services, ServicesOptions } from './services.ts'

type Parts = Pick<Services, 'signIn' | 'keys' | 'requests' | 'sessions' | 'transfers' | 'audit' | 'settings'> & {
  options: Pick<ServicesOptions, 'about' | 'profileDir' | 'party'>
  logPath: string | null
  now: () => number
}

const maxLines = 2_000

/**
 * Writes `support-<time>.json` into the profile and gives its path back: what support needs to find a fault, chosen field by field, so that what is added elsewhere is
 * not in it by itself. No token, key or PIN; no name of a person, device, site or file; nothing that was typed, said or shown; no reason and no case.
 */
export async function writeSupportBundle(parts: Parts): Promise<{ path: string }> {
  const bundle = await supportBundle(parts)
  const path = join(parts.options.profileDir, `support-${bundle.madeAt.replace(/[:.]/g, '-')}.json`)
  await writeFile(path, `${JSON.stringify(bundle, null, 2)}\n`, { mode: 0o600 })
  return { path }
}

export async function supportBundle({ signIn, keys, requests, sessions, transfers, audit, settings, options, logPath, now }: Parts) {
  const { language, theme, density, terminalFontSize, lockMinutes, transferBytesPerSecond, favourites, savedViews } = settings.read()
  const state = signIn.state()
  return {
    madeAt: new Date(now()).toISOString(),
    app: { version: options.about.version, host: options.about.host, sandbox: options.about.sandbox },
    system: { platform: process.platform, arch: process.arch, node: process.versions.node },
    settings: {
      ...{ language, theme, density, terminalFontSize, lockMinutes, transferBytesPerSecond },
      ...{ favourites: favourites.length, savedViews: savedViews.length },
    },
    signIn: { phase: state.phase, confirming: state.confirming, secretStore: state.secretStore, failure: codeOf(state.failure) },
    keys: await keys.status().then(
      (status) => status.state,
      () => 'unknown',
    ),
    requests: requests.list().map(({ requestId, access, state: now, steps, failure }) => ({
      ...{ requestId, access, state: now, failure: codeOf(failure) },
      steps: steps.map(({ name, atMs }) => ({ name, atMs })),
    })),
    sessions: sessions.list().map(sessionFacts),
    transfers: transfers.list().map(transferFacts),
    audit: await audit.verify().then(auditFacts, () => 'unreadable'),
    log: logPath === null ? [] : safeLines(await readFile(logPath, 'utf8').catch(() => '')),
  }
}

function codeOf(failure: { code: string } | Failure | null): string | null {
  return failure?.code ?? null
}

function sessionFacts({ requestId, access, state, startedMs, endsMs, endedMs, endCause, failure, network, separated, reach, auditVerified }: SessionView) {
  const link = { state: network.state, standby: network.standby, failure: codeOf(network.failure) }
  return { requestId, access, state, startedMs, endsMs, endedMs, endCause, failure: codeOf(failure), link, separated, reach, auditVerified }
}

function transferFacts({ id, requestId, direction, state, bytes, totalBytes, files, filesDone, verified, failure }: Transfer) {
  return { id, requestId, direction, state, bytes, totalBytes, files, filesDone, verified, failure: codeOf(failure) }
}

function auditFacts({ stores }: CallOutput<'audit.verify'>) {
  return stores.map(({ ok, events, fault }) => ({ ok, events, fault }))
}

/** As `client-log.ts` writes them: time, level, a constant sentence, facts. */
const logLine = /^(\d{4}-\d\d-\d\dT[\d:.]+) \[(\w+)\] ([^{]{1,120}?)(?: (\{.*\}))?$/

/** The newest lines, of their facts only numbers, truths, codes and ids: an error's own words can hold a path or a name. What is no such line (a stack) is left out. */
function safeLines(text: string): string[] {
  return text
    .split('\n')
    .slice(-maxLines)
    .flatMap((line) => {
      const [, at, level, message = '', facts] = logLine.exec(line) ?? []
      return at && isSentence(message) ? [`${at} [${level}] ${message}${facts ? ` ${safeFacts(facts)}` : ''}`] : []
    })
}

/** Our own sentences are of plain small words; a proper name, a number or a path in one is not ours. */
function isSentence(message: string): boolean {
  return /^[a-z][a-z ,;']*$/.test(message.trim())
}

function safeFacts(json: string): string {
  try {
    const facts = Object.entries(JSON.parse(json) as Record<string, unknown>)
    return JSON.stringify(Object.fromEntries(facts.map(([name, value]) => [name, isSafe(name, value) ? value : 'withheld'])))
  } catch {
    return 'withheld'
  }
}

const named = new Set(['party', 'code', 'call', 'name', 'reference', 'kind', 'event', 'requestId'])

function isSafe(name: string, value: unknown): boolean {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return true
  return typeof value === 'string' && named.has(name) && /^[\w.-]{1,60}$/.test(value)
}
