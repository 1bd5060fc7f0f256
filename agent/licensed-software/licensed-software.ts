import { toFailure } from '@gantry/shared/errors.ts'
import type { Feature } from '@gantry/shared/licences.ts'
import type { PublishedFeed } from '@gantry/shared/node/published-feed.ts'
import type { Audit } from '../audit.ts'
import { auditOnce } from '../audit-once.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { factsOf, type Log } from '../log.ts'
import { fetchSoftware } from './fetch.ts'
import { openSoftwareStore } from './store.ts'

/** Downloads the software of the features that this device holds as licensed (R011), one file at a time, beside everything else: no poll and no session waits for it. */
export type LicensedSoftware = {
  /** To be called whenever what is licensed, or whether anything may be sent, may have changed. Returns at once. */
  look(): void
  done: Promise<void>
}
export type LicensedSoftwareWith = {
  /** Null: none is ever downloaded. */
  setting: Config['licensedSoftware']
  stateDir: string
  onLost: (what: string) => void
  features: () => Feature[]
  /** False stops what is under way at once; it goes on later where it was. */
  allowed: () => boolean
  feed: () => PublishedFeed
  audit: Pick<Audit, 'append' | 'note'>
  clock: Clock
  log: Log
  random: () => number
  signal: AbortSignal
  pauseMs?: (attempt: number) => number
}

/** A quarter more or less, so that the devices of a vendor do not ask in step. */
const lookAgainMs = 4 * 3_600_000
const retryMs = 900_000

export function startLicensedSoftware(deps: LicensedSoftwareWith): LicensedSoftware {
  const { setting, features, allowed, log, clock, random, signal } = deps
  if (!setting) return { look: () => undefined, done: Promise.resolve() }
  const store = openSoftwareStore({ ...deps, ...setting })
  const refusals = new Map<Feature, ReturnType<typeof auditOnce>>()
  let woken = new AbortController()
  let underWay: { feature: Feature; stopping: AbortController } | null = null
  let seen = ''
  const wanted = () => (allowed() ? features() : [])

  /** Resolves to how long its software may be left alone, ms. */
  const fetchOne = async (feature: Feature): Promise<number> => {
    const stopping = new AbortController()
    underWay = { feature, stopping }
    try {
      await fetchSoftware(feature, {
        ...deps,
        feed: deps.feed(),
        key: setting.key,
        store,
        audit: deps.audit.append,
        signal: AbortSignal.any([signal, stopping.signal]),
      })
      return lookAgainMs
    } catch (error) {
      return stopping.signal.aborted || signal.aborted ? lookAgainMs : noteFailure(feature, error)
    } finally {
      underWay = null
    }
  }
  const noteFailure = (feature: Feature, error: unknown): number => {
    const { code, details } = toFailure(error)
    if (code === 'update.none') return lookAgainMs
    log.warn({ feature, ...factsOf(error) }, 'licensed software not downloaded')
    if (!isRefusal(code)) return retryMs
    const tell = refusals.get(feature) ?? auditOnce(deps.audit.note)
    refusals.set(feature, tell)
    const data = { feature, ...details, code }
    tell(JSON.stringify(data), { kind: 'software.refused', actor: { kind: 'agent' }, data })
    return lookAgainMs
  }
  const round = async (): Promise<number> => {
    store.dropPartials(features())
    let waitMs = lookAgainMs
    // What is wanted may change with each one that is over.
    for (const feature of wanted()) if (wanted().includes(feature)) waitMs = Math.min(waitMs, await fetchOne(feature))
    return waitMs
  }
  const run = async () => {
    // Nothing is asked before the first look: a device that cannot reach its main server has nothing to download.
    for (let waitMs = lookAgainMs; ; ) {
      await clock.sleep(waitMs * (0.75 + random() / 2), AbortSignal.any([signal, woken.signal])).catch(() => undefined)
      if (signal.aborted) return
      woken = new AbortController()
      waitMs = await round().catch((error: unknown) => {
        log.error(factsOf(error), 'licensed software: the folder cannot be kept in order')
        return retryMs
      })
    }
  }
  return {
    look() {
      const now = JSON.stringify([features(), allowed()])
      if (now === seen) return
      seen = now
      if (underWay && !wanted().includes(underWay.feature)) underWay.stopping.abort()
      woken.abort()
    },
    done: run(),
  }
}

/** What may not be taken, or has no place here; the rest may heal by itself. */
function isRefusal(code: string): boolean {
  return code.startsWith('update.') || code === 'file.too-large' || code === 'file.denied'
}
