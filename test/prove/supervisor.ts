import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type SupervisedAgent, startSupervisedAgent } from '../support/supervised-agent.ts'
import { createChance, milliseconds, type Proof, type ProofContext, quantile, type Row, row } from './proof.ts'

/** What is done to an agent, and within what time it has to poll again. */
type Fault = { name: string; share: number; boundMs: number; after: string; strike(agent: SupervisedAgent, chance: () => number): void }

const stateFiles = ['requests.json', 'inbox.json', 'outbox.json', 'data-files.json', 'identity.json', 'identity.json.copy', 'policy-kept.json', 'audit.jsonl']
const faults: Fault[] = [
  { name: 'kill -9', share: 25, boundMs: 5_000, after: 'SIGKILL', strike: (agent) => agent.signal('SIGKILL') },
  { name: 'SIGSEGV', share: 25, boundMs: 5_000, after: 'SIGSEGV', strike: (agent) => agent.signal('SIGSEGV') },
  { name: 'hang (SIGSTOP)', share: 10, boundMs: 30_000, after: 'hung', strike: (agent) => agent.signal('SIGSTOP') },
  { name: 'blocked event loop', share: 10, boundMs: 30_000, after: 'hung', strike: (agent) => agent.signal('SIGUSR2') },
  {
    ...{ name: 'one state file garbage, then kill -9', share: 20, boundMs: 5_000, after: 'SIGKILL' },
    strike(agent, chance) {
      const name = stateFiles[Math.floor(chance() * stateFiles.length)] ?? 'requests.json'
      writeFileSync(join(agent.device.config.stateDir, name), `\u0000{garbage ${chance()}`)
      agent.signal('SIGKILL')
    },
  },
  {
    ...{ name: 'disk full, then kill -9', share: 10, boundMs: 5_000, after: 'SIGKILL' },
    strike(agent) {
      agent.fillDisk()
      agent.signal('SIGKILL')
    },
  },
]
const preload = join(import.meta.dirname, '../e2e/support/block-on-signal.cjs')
/** Agents at a time: a hung one costs nothing but its time. */
const lanes = 2

export const supervisor: Proof = {
  name: 'supervisor',
  title: 'An agent that crashes, hangs or finds its disk spoilt polls again by itself',
  covers: ['D27', 'R101'],
  method:
    'Real supervisor and agent processes with a state folder on a small file system (tmpfs, 1 MiB), against a main server on loopback; a new device for each round, so that no back-off of an earlier fault is measured. Time from the fault to the next poll of the next agent process.',
  limits: ['crash loops and wrong permissions, which test/e2e/supervisor.test.ts shows; runit or systemd in place of our own supervisor.'],
  async run(context) {
    const plan = faults.flatMap((fault) => Array.from({ length: context.quick ? 2 : fault.share }, () => fault))
    const taken = new Map<Fault, number[]>(faults.map((fault) => [fault, []]))
    const failures: string[] = []
    const queue = [...plan.entries()]
    const work = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const [index, fault] = next
        const found = await strikeOnce(fault, createChance(context.seed + index)).catch((error: unknown) => `${fault.name}: ${String(error)}`)
        if (typeof found === 'string') failures.push(found)
        else taken.get(fault)?.push(found)
        if (queue.length % 10 === 0) context.say(`${queue.length} rounds left`)
      }
    }
    await Promise.all(Array.from({ length: lanes }, work))
    return rowsOf(context, taken, failures)
  },
}

async function strikeOnce(fault: Fault, chance: () => number): Promise<number> {
  const agent = await startSupervisedAgent({ preload, smallDisk: true })
  try {
    const ms = await agent.poll(() => fault.strike(agent, chance))
    const told = readFileSync(`/proc/${agent.agentPid()}/cmdline`, 'latin1')
    if (!told.includes(`"end":"${fault.after}"`)) throw new Error(`the next agent was not told of ${fault.after}: ${told}`)
    return ms
  } finally {
    await agent.stop()
  }
}

function rowsOf({ quick }: ProofContext, taken: Map<Fault, number[]>, failures: string[]): Row[] {
  const rows = [...taken].map(([{ name, share, boundMs }, times]) => {
    const max = Math.max(...times)
    const found = `${times.length} of ${quick ? 2 : share}; median ${milliseconds(quantile(times, 0.5))}, at most ${milliseconds(max)}`
    return row(`${name}: polls again`, `each within ${milliseconds(boundMs)}`, found, times.length === (quick ? 2 : share) && max <= boundMs)
  })
  return [...rows, row('rounds that failed', '0', failures.length === 0 ? '0' : failures.slice(0, 3).join('; '), failures.length === 0)]
}
