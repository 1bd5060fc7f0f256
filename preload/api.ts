import type { Result } from '@gantry/shared/errors.ts'
import type { CallInput, CallName, CallOutput, EventName, EventPayload } from '@gantry/shared/ipc.ts'

/** The only thing that the window sees of the main process: `window.api`. */
export type Api = {
  call<N extends CallName>(name: N, input: CallInput<N>): Promise<Result<CallOutput<N>>>
  /** Returns the function that stops it. */
  on<N extends EventName>(name: N, listener: (payload: EventPayload<N>) => void): () => void
}
