import type { CaseView } from '@gantry/shared/case-api.ts'
import type { RequestProgress, SessionView } from '@gantry/shared/ipc.ts'
import { isAsking } from '../request/request-store.ts'

/** The case that a session or request of that customer names. Where the customer is not known here any more: the only one of that number. */
export function caseOf(cases: readonly CaseView[], number: string, customerId: string | undefined): CaseView | null {
  const found = cases.filter((one) => one.number === number && (customerId === undefined || one.customerId === customerId))
  return found.length === 1 ? (found[0] ?? null) : null
}

export type Ending = { sessions: SessionView[]; requests: RequestProgress[]; others: number }

/** What its end takes along: what this window has of it by name, and the rest, which may be colleagues', by number. */
export function endingWith(
  found: Pick<CaseView, 'number' | 'customerId' | 'liveRequests'>,
  customerOf: (deviceId: string) => string | undefined,
  { sessions, requests }: { sessions: readonly SessionView[]; requests: readonly RequestProgress[] },
): Ending {
  const isOfCase = ({ caseId, device }: { caseId: string; device: { id: string } }) =>
    caseId === found.number && (customerOf(device.id) ?? found.customerId) === found.customerId
  const ending = {
    sessions: sessions.filter((one) => one.state === 'open' && isOfCase(one)),
    requests: requests.filter((one) => isAsking(one) && isOfCase(one)),
  }
  return { ...ending, others: Math.max(0, found.liveRequests - ending.sessions.length - ending.requests.length) }
}
