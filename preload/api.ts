import type { Result } from '@gantry/shared/errors.ts'
import type { CallInput, CallName, CallOutput, EventName, EventPayload } from '@gantry/shared/ipc.ts'

/** The only thing that the window sees of the main process: `window.api`. */
export type Api = {
  call<N extends CallName>(name: N, input: CallInput<N>): Promise<Result<CallOutput<N>>>
  /** Where a file lies that the person dropped on the page; '' where the host cannot tell (a browser), and for what is no file of this computer. */
  pathOf(file: File): string
  /** Returns the function that stops it. */
  on<N extends EventName>(name: N, listener: (payload: EventPayload<N>) => void): () => void
}
