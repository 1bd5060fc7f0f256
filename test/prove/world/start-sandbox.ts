import type { PartEvent } from '../../../sandbox/part.ts'
import { readyFacts } from '../../../sandbox/report.ts'
import { startSandbox } from '../../../sandbox/sandbox.ts'
import { type SandboxTask, speak } from './task.ts'

/**
 * The sandbox's parts, each started on the host of the world that it belongs to. A process of its own, at the desk, so that its own questions to the main server take
 * the way that a client's take. `node start-sandbox.ts TASK`, where TASK is JSON; stops with stdin.
 */
const task = JSON.parse(process.argv[2] ?? '') as SandboxTask
const stopping = new AbortController()
const sandbox = await startSandbox({
  state: task.state,
  reset: false,
  language: 'en',
  onEvent: (event: PartEvent) => speak({ event }),
  signal: stopping.signal,
  devices: task.devices,
  network: {
    ports: task.ports,
    // Proofs kill the same part many times in a minute; the wait that protects a person's machine would only make them long.
    restartDelayMs: () => 200,
    on(part, argv) {
      const program = task.programs[part]
      const [node, first, ...rest] = argv
      const started = program && first ? [node, program, ...rest] : argv
      const [enter, ...more] = task.enter[hostOf(part)] ?? []
      return enter ? [enter, ...more, ...started] : argv
    },
  },
})
speak({ facts: readyFacts(sandbox) })
process.stdin.resume().once('end', () => {
  stopping.abort()
  void sandbox.stop().finally(() => process.exit(0))
})

function hostOf(part: string): string {
  if (part === 'main-server') return 'main'
  if (part === 'access-server-1') return 'access1'
  return part === 'access-server-2' ? 'access2' : 'device'
}
