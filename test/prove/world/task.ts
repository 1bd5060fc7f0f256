import type { Ports } from '../../../sandbox/configs.ts'
import type { PartEvent } from '../../../sandbox/part.ts'
import type { readyFacts } from '../../../sandbox/report.ts'

/** What the world tells the process that starts the sandbox's parts, and what that one says. */
export type SandboxTask = {
  state: string
  ports: Required<Ports>
  devices: number
  /** The beginning of a command that runs on a host, by host. */
  enter: Record<string, string[]>
  /** Another program in place of a part's own, by part. */
  programs: Record<string, string>
}
export type Said = { event: PartEvent } | { facts: ReturnType<typeof readyFacts> }

export function speak(said: Said): void {
  process.stdout.write(`${JSON.stringify(said)}\n`)
}
