import { toFailure } from '@gantry/shared/errors.ts'
import type { Keys, ServiceLog } from '../services.ts'

const lookEveryMs = 30_000
/** So long before its end a newer certificate over the same keys is looked for. */
const renewMs = 14 * 86_400_000

/** Takes a certificate over by itself: at each sign-in, since the authority may have another key, and every 30 s while keys wait for one or theirs is about to end. */
export function watchForCertificate(keys: Keys, log: ServiceLog): { look(): void; stop(): void } {
  const take = async () => {
    const { waiting } = await keys.status()
    const after = await keys.takeOver()
    if (after.state === 'ready' && waiting && !after.waiting) log.info('the certificate was taken over')
  }
  const takeIfDue = async () => {
    const { state, current, waiting } = await keys.status()
    if (waiting !== null || state === 'expired' || (current !== null && current.untilMs - Date.now() < renewMs)) await take()
  }
  const safely = (act: () => Promise<void>) => () =>
    void act().catch((error: unknown) => log.info('no certificate taken over', { code: toFailure(error).code }))
  const timer = setInterval(safely(takeIfDue), lookEveryMs)
  timer.unref()
  return { look: safely(take), stop: () => clearInterval(timer) }
}
