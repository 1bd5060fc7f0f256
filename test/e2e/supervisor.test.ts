import { chmodSync, copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, type TestContext, test } from 'vitest'
import { type SupervisedAgent, type SupervisedWith, startSupervisedAgent } from '../support/supervised-agent.ts'
import { listeners, socketsOf } from './support/processes.ts'

/** What happens to a device's agent, done to real processes (R101, goal D27). The long run with 100 rounds is `npm run prove -- tunnel`. */
const root = process.getuid?.() === 0
/** They wait for most of their time, so they wait together. */
const together = { concurrent: true }

async function start({ onTestFinished }: Pick<TestContext, 'onTestFinished'>, options?: SupervisedWith): Promise<SupervisedAgent> {
  const agent = await startSupervisedAgent(options)
  onTestFinished(() => agent.stop())
  return agent
}
/** Resolves once the main server was told that the agent before this one ended so. */
const reported = ({ server, restarts }: SupervisedAgent, after: string) => server.waitFor(() => restarts().at(-1)?.data?.after === after)
const stateOf = ({ device }: SupervisedAgent, name: string) => join(device.config.stateDir, name)

describe('an agent that dies', together, () => {
  test('R101: by kill -9 or a segmentation fault polls again, says what was, and counts how often', async (context) => {
    const agent = await start(context)
    let counted = 0
    for (const signal of ['SIGKILL', 'SIGSEGV', 'SIGABRT'] as const) {
      await agent.poll(() => agent.signal(signal))
      await reported(agent, signal)
      // One by one, unless the machine was too busy to start an agent within the time of a hung one.
      const crashes = Number(agent.restarts().at(-1)?.data?.crashes)
      expect(crashes).toBeGreaterThan(counted)
      counted = crashes
    }
    expect(agent.server.enrolments).toHaveLength(1)
  })

  test('R041: the signal that opens Node’s debugger opens nothing here', async (context) => {
    const agent = await start(context)
    const agentPid = agent.agentPid() as number
    agent.signal('SIGUSR1')
    agent.signal('SIGUSR1')
    // A debugger would say where it listens on stderr.
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(agent.agentPid()).toBe(agentPid)
    expect(listeners(socketsOf(agentPid))).toEqual([])
    expect(agent.lines.filter(({ text }) => text)).toEqual([])
  })

  test('R101: hung, by SIGSTOP or a blocked event loop, is killed and polls again', async (context) => {
    const preload = join(import.meta.dirname, 'support/block-on-signal.cjs')
    const [stopped, blocked] = await Promise.all([start(context), start(context, { preload })])
    await Promise.all([stopped.poll(() => stopped.signal('SIGSTOP')), blocked.poll(() => blocked.signal('SIGUSR2'))])
    await reported(stopped, 'hung')
    await reported(blocked, 'hung')
  })
})

describe('a device whose disk is not as it was', together, () => {
  test('goal D27: with state files that are garbage, each in turn, it polls again, and names what was lost', async (context) => {
    const agent = await start(context)
    const files = ['requests.json', 'inbox.json', 'outbox.json', 'data-files.json', 'identity.json', 'policy-kept.json']
    await agent.poll(() => {
      for (const name of files) writeFileSync(stateOf(agent, name), '\u0000{garbage')
      agent.signal('SIGKILL')
    })
    await agent.server.waitFor(() => String(agent.restarts().at(-1)?.data?.lost).includes('requests.json'))
    expect(readdirSync(agent.device.config.stateDir)).toContain('requests.json.unreadable')
    expect(agent.server.enrolments).toHaveLength(1)
  })

  test('goal D27: with an identity that is garbage twice it does nothing, says why, and comes back when it is mended', async (context) => {
    const agent = await start(context)
    const kept = join(agent.device.folder, 'kept.json')
    copyFileSync(stateOf(agent, 'identity.json'), kept)
    for (const name of ['identity.json', 'identity.json.copy']) writeFileSync(stateOf(agent, name), 'garbage')
    const polls = agent.server.polls.length
    agent.signal('SIGKILL')
    await agent.server.waitFor(() => agent.lines.filter(({ fatal }) => fatal).length >= 2)
    expect(agent.lines.find(({ fatal }) => fatal)?.fatal).toMatchObject({ code: 'state.unreadable' })
    expect(agent.server.polls).toHaveLength(polls)
    copyFileSync(kept, stateOf(agent, 'identity.json'))
    await reported(agent, 'state.unreadable')
  })

  test.skipIf(!root)('goal D27: with a full disk it polls on and opens nothing, and when there is room it says so', async (context) => {
    const agent = await start(context, { smallDisk: true })
    await agent.poll(() => {
      agent.fillDisk()
      agent.signal('SIGKILL')
    })
    await agent.server.waitFor(() => agent.lines.some(({ msg }) => msg === 'not audited' || msg === 'audit store cannot be opened'))
    expect(agent.restarts()).toEqual([])
    agent.freeDisk()
    await agent.poll(() => agent.signal('SIGKILL'))
    await reported(agent, 'SIGKILL')
    expect(readFileSync(stateOf(agent, 'audit.jsonl'), 'utf8')).toContain('"after":"SIGKILL"')
  })

  test.skipIf(!root)('goal D27: with a folder that it may not write it does nothing, says why, and comes back when it may', async (context) => {
    // Root without the right to overlook permissions.
    const launcher = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search', '--inh-caps', '-dac_override,-dac_read_search']
    const agent = await start(context, { launcher })
    const { stateDir } = agent.device.config
    chmodSync(stateDir, 0o500)
    agent.signal('SIGKILL')
    const last = await agent.server.waitFor(() => agent.lines.find(({ fatal }) => fatal))
    expect(last.fatal).toMatchObject({ code: 'state.unwritable' })
    chmodSync(stateDir, 0o700)
    await reported(agent, 'state.unwritable')
  })
})
