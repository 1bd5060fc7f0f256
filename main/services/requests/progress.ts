import type { DeviceRow } from '@gantry/shared/client-api.ts'
import type { RequestProgress } from '@gantry/shared/ipc.ts'
import type { RequestPayload } from '@gantry/shared/ticket.ts'

/** What a person follows of one request. Each change is told once, whole. */
export type ProgressKeeper = {
  read(): RequestProgress
  change(part: Partial<RequestProgress>): void
  /** Adds a step with the time it was reached. */
  reach(step: RequestProgress['steps'][number]['name'], part?: Partial<RequestProgress>): void
}
export type ProgressTools = { onProgress: (progress: RequestProgress) => void; now: () => number }

export function startProgress(payload: RequestPayload, row: Pick<DeviceRow, 'id' | 'name' | 'site'>, { onProgress, now }: ProgressTools): ProgressKeeper {
  const { id: requestId, access, serviceKind, reason, caseId, minutes } = payload
  let progress: RequestProgress = {
    ...{ requestId, access, serviceKind, reason, caseId, minutes },
    device: { id: row.id, name: row.name, site: row.site.name },
    state: 'requested',
    steps: [],
    contact: null,
    code: null,
    typed: false,
    answerBeforeMs: null,
    passed: [],
    accessServer: null,
    failure: null,
  }
  const change = (part: Partial<RequestProgress>) => {
    progress = { ...progress, ...part }
    onProgress(progress)
  }
  const reach: ProgressKeeper['reach'] = (name, part = {}) => change({ ...part, steps: [...progress.steps, { name, atMs: now() }] })
  reach('signed')
  return { read: () => progress, change, reach }
}
