import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs } from '@gantry/shared/backoff.ts'
import { type UpdateName, updates } from '@gantry/shared/client-api.ts'
import { AppError, isUnreachable } from '@gantry/shared/errors.ts'
import { openEventStream } from '@gantry/shared/node/api-client.ts'
import type { Dial } from '@gantry/shared/node/dial.ts'
import { type Access, createProver } from '@gantry/shared/node/dpop.ts'
import type { z } from 'zod'
import type { ServiceLog } from '../services.ts'

export type Update = { [N in UpdateName]: { name: N; payload: z.output<(typeof updates)[N]> } }[UpdateName]
export type UpdatesOptions = {
  origin: string
  dial: Dial
  access: (rejected?: string) => Promise<Access>
  onUpdate: (update: Update) => void
  /** The stream is open (again): whoever follows something asks once what was missed. */
  onOpen: () => void
  onAnswer: (failure: AppError | null) => void
  log: ServiceLog
}
/** `start` may be called again at any time: it does nothing while the stream runs. It stops by itself when the sign-in has ended. */
export type Updates = { start(): void; stop(): void; isOpen(): boolean }

export function createUpdates(options: UpdatesOptions): Updates {
  let running: AbortController | null = null
  let open = false
  const run = async (signal: AbortSignal) => {
    let rejected: string | undefined
    for (let attempt = 1; !signal.aborted; attempt++) {
      const end = await follow(options, rejected, signal, () => {
        attempt = 0
        open = true
      })
      open = false
      if (end.kind === 'signed-out') return
      rejected = end.kind === 'refused' ? end.token : undefined
      await sleep(backoffMs(Math.max(attempt, 1), { baseMs: 500, maxMs: 15_000 }), undefined, { signal }).catch(() => undefined)
    }
  }
  return {
    isOpen: () => open,
    start() {
      if (running) return
      const controller = new AbortController()
      running = controller
      void run(controller.signal).finally(() => {
        if (running === controller) running = null
      })
    },
    stop() {
      running?.abort()
      running = null
      open = false
    },
  }
}

type End = { kind: 'broken' } | { kind: 'signed-out' } | { kind: 'refused'; token: string }

/** One stream, from its opening to its break. */
async function follow(
  { origin, dial, access, ...options }: UpdatesOptions,
  rejected: string | undefined,
  signal: AbortSignal,
  onOpen: () => void,
): Promise<End> {
  let token = ''
  try {
    const held = await access(rejected)
    token = held.token
    const prover = createProver(async () => held)
    const opened = () => {
      onOpen()
      options.onAnswer(null)
      options.onOpen()
    }
    for await (const { event, data } of openEventStream({ origin, dial, path: '/api/v1/updates', ...prover, signal, onOpen: opened })) {
      const update = readUpdate(event, data)
      if (update) options.onUpdate(update)
      else options.log.warn('an update was not understood', { event: event.slice(0, 60) })
    }
    return { kind: 'broken' }
  } catch (error) {
    if (signal.aborted) return { kind: 'broken' }
    if (isUnreachable(error)) options.onAnswer(error as AppError)
    if (!(error instanceof AppError) || !error.code.startsWith('auth.')) return { kind: 'broken' }
    // Refused with the token in hand: one fresh token is tried. Refused a token itself: the sign-in is over.
    return token === '' || rejected !== undefined ? { kind: 'signed-out' } : { kind: 'refused', token }
  }
}

/** Null for what no schema knows. */
export function readUpdate(event: string, data: unknown): Update | null {
  if (!Object.hasOwn(updates, event)) return null
  const name = event as UpdateName
  const parsed = updates[name].safeParse(data)
  return parsed.success ? ({ name, payload: parsed.data } as Update) : null
}
