import type { ServiceCommands } from '../session/grant.ts'

/** What an action is given. It runs as the agent, from argument vectors that the device's owner wrote; nothing of the specialist's input is ever a program. */
export type ActionContext = {
  service: ServiceCommands
  /** Shown by `diagnostics.collect`. */
  versions: Record<string, string>
  filesRoot: string
  /** Aborted when the session ends. */
  signal: AbortSignal
  now(): number
}
