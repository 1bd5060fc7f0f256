import { readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { agentOf, processes } from '../e2e/support/processes.ts'
import { type Proof, row } from './proof.ts'
import { openWorkout } from './workout.ts'
import { deviceId } from './world/desk.ts'
import { openWorld, type World } from './world/world.ts'

export const ports: Proof = {
  name: 'ports',
  title: 'A device listens on nothing and talks to whom it must, on port 443',
  covers: ['D6', 'D7', 'R037', 'R038', 'R041'],
  method:
    'Topology T. Every socket of the device’s host, whichever process owns it, is looked at each 50 ms from before the agents start: through enrolment, poll, request, session, transfer, crash. The firewalls of hospital and desk count every new connection that is not to a documented address on port 443.',
  limits: ['a scan by nmap; the look into the kernel’s own tables shows what a scan could find and more.'],
  async run({ quick }) {
    const seen = new Set<string>()
    let looks = 0
    let watching = true
    const world = await openWorld({
      prepare: (net) => {
        const inode = net.run('device', ['readlink', '/proc/self/ns/net']).trim()
        void (async () => {
          for (; watching; await sleep(50)) looks += lookAt(inode, seen)
        })()
      },
    })
    try {
      await live(world, quick ? 5 : 60)
      watching = false
      const allowed = counters(world, 'allowed')
      const other = counters(world, 'other')
      return [
        row(`listeners and open UDP or raw sockets in ${looks} looks`, '0', seen.size === 0 ? '0' : [...seen].join(', '), seen.size === 0 && looks > 100),
        row(
          'new connections of device and desk to documented addresses on 443',
          '> 0',
          `${allowed.hospital} and ${allowed.desk}`,
          allowed.hospital > 0 && allowed.desk > 0,
        ),
        row('packets of device and desk to anywhere else', '0', `${other.hospital} and ${other.desk}`, other.hospital + other.desk === 0),
      ]
    } finally {
      watching = false
      await world.close()
    }
  },
}

/** Sessions, a transfer, an agent that is killed and comes back. */
async function live(world: World, seconds: number): Promise<void> {
  const workout = await openWorkout(world, { copyBytes: 16_777_216 })
  await sleep(seconds * 500)
  await workout.finish()
  const supervisor = world.facts.devices[0]?.pid ?? 0
  process.kill(agentOf(supervisor), 'SIGKILL')
  await sleep(seconds * 500)
  for (let tries = 0; tries < 40; tries += 1) {
    const opened = await world.client.call('session.open', { device: deviceId, access: 'diagnostics' }).catch(() => null)
    if (!opened) continue
    await world.client.call('session.end', { requestId: opened.requestId })
    return
  }
  throw new Error('no session after the agent’s crash')
}

/** One look through any process of that network namespace; 0 while there is none. Formats: proc(5), net/tcp and net/unix. */
function lookAt(inode: string, seen: Set<string>): number {
  const inside = processes().find(({ pid }) => namespaceOf(pid) === inode)
  if (!inside) return 0
  try {
    for (const kind of ['tcp', 'tcp6', 'udp', 'udp6', 'raw', 'raw6']) {
      for (const line of rows(inside.pid, kind)) {
        const [, local, , state] = line.trim().split(/\s+/)
        if (!kind.startsWith('tcp') || state === '0A') seen.add(`${kind} ${local}`)
      }
    }
    for (const line of rows(inside.pid, 'unix')) {
      const path = line.trim().split(/\s+/)[7] ?? ''
      if (path.startsWith('@')) seen.add(`unix ${path}`)
    }
    return 1
  } catch {
    // It ended between two reads.
    return 0
  }
}

function rows(pid: number, kind: string): string[] {
  return readFileSync(`/proc/${pid}/net/${kind}`, 'utf8').split('\n').slice(1).filter(Boolean)
}

function namespaceOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return ''
  }
}

function counters({ net }: World, name: 'allowed' | 'other'): { hospital: number; desk: number } {
  const count = (host: 'hospital' | 'desk') => Number(/packets (\d+)/.exec(net.run(host, ['nft', 'list', 'counter', 'inet', 'wall', name]))?.[1])
  return { hospital: count('hospital'), desk: count('desk') }
}
