import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RequestId } from '@gantry/shared/ids.ts'
import { codeOf, type Proof, type Row, row } from './proof.ts'
import { type Clocks, createClocks } from './world/clocks.ts'
import { deviceId } from './world/desk.ts'
import { type Host, openWorld, type World } from './world/world.ts'

const day = 86_400
/** Forward only: what a clock that is set back costs an access server is told below. */
const offsets = [-400 * day, -3_600, -300, -120, 0, 120, 300, 3_600, 400 * day]
/** Who has the wrong time, and what a request then comes to where it is beyond what is let pass. */
const parties: { name: string; hosts: Host[]; refused: readonly string[] }[] = [
  { name: 'the specialist’s computer', hosts: ['desk'], refused: ['access.clock-off'] },
  { name: 'the device', hosts: ['device'], refused: ['access.clock-off'] },
  { name: 'one access server', hosts: ['access1'], refused: [] },
  { name: 'both access servers', hosts: ['access1', 'access2'], refused: ['access.clock-off', 'access.no-access-server'] },
  { name: 'the main server', hosts: ['main'], refused: ['access.clock-off'] },
]

export const clock: Proof = {
  name: 'clock',
  title: 'A wrong clock is called that, and lengthens nothing',
  covers: ['D14', 'T18'],
  method:
    'Topology T, each host with a wall clock of its own (libfaketime), set while everything runs: five parties, nine times each (right, and two minutes, five minutes, an hour and 400 days off, both ways). Each time a session is asked for; where it opens, a file is fetched over it. Then sessions of one minute, in whose middle every clock is set an hour back, or forward.',
  limits: [
    'Each clock is set forward from one time to the next. An access server whose clock is set back is out until the time of its last beat has come again, and a device whose clock is mended is believed at its next poll; so a time within the two minutes is asked for until it works, 200 s at most.',
    'A clock that is set forward may end a session early: for the main server its time is over then. It never lasts longer.',
  ],
  async run({ quick, say }) {
    let clocks: Clocks | null = null
    const world = await openWorld({
      prefixIn(dir) {
        clocks = createClocks(dir)
        return clocks.by
      },
    })
    try {
      const set = (hosts: readonly Host[], seconds: number) => {
        for (const host of hosts) clocks?.set(host, seconds)
      }
      const rows: Row[] = []
      putFile(world)
      for (const { name, hosts, refused } of parties) {
        const good: string[] = []
        const bad: string[] = []
        for (const seconds of quick ? [-300, 120] : offsets) {
          set(hosts, seconds)
          await settle(hosts)
          const came = Math.abs(seconds) <= 120 ? await backToWork(world) : await ask(world)
          say(`${name} ${seconds} s: ${came}`)
          if (Math.abs(seconds) <= 120) good.push(came)
          else bad.push(came)
          if (hosts[0] === 'device' && Math.abs(seconds) > 300) rows.push(await told(world, seconds))
        }
        set(hosts, 0)
        // A main server that was in another year has forgotten every sign-in.
        if (hosts.includes('main')) world.signIn()
        await backToWork(world)
        rows.push(
          row(
            `${name}, up to two minutes off: a session`,
            'opens and works',
            summed(good),
            good.every((came) => came === 'works'),
          ),
        )
        const bound = refused.length === 0 ? 'opens over the other one' : `refused: ${refused.join(', ')}`
        rows.push(
          row(
            `${name}, five minutes to 400 days off`,
            bound,
            summed(bad),
            bad.every((came) => (refused.length === 0 ? came === 'works' : refused.includes(came))),
          ),
        )
      }
      rows.push(refusedBeats(world))
      for (const [what, seconds] of [
        ['back', -3_600],
        ['forward', 3_600],
      ] as const)
        rows.push(await stepped(world, { what, seconds, set }))
      return rows
    } finally {
      await world.close()
    }
  },
}

const all: readonly Host[] = ['main', 'access1', 'access2', 'device', 'desk']

function putFile({ dir, facts }: World): void {
  const there = join(facts.devices[0]?.filesRoot ?? '', 'clock.txt')
  writeFileSync(there, 'what time is it\n')
  chownSync(there, 65_534, 65_534)
  mkdirSync(join(dir, 'got'), { recursive: true })
}

/** Until it has told on the others: a device polls again within 25 s, an access server's beat is refused within some. Client and device are asked anew each time. */
async function settle(hosts: readonly Host[]): Promise<void> {
  await sleep(hosts.includes('main') ? 30_000 : hosts.includes('access1') ? 16_000 : 500)
}

/** An access server's beat has to be newer than the last one that counted, so one whose clock is set back is heard again when that time has come: two minutes at most. */
async function backToWork(world: World): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    const came = await ask(world)
    if (came === 'works' || tries === 40) return came
    await sleep(5_000)
  }
}

/** `works`, or the code of the refusal. */
async function ask({ client, dir }: World, minutes = 60): Promise<string> {
  try {
    const { requestId } = await client.call('session.open', { device: deviceId, access: 'files', minutes })
    const { state } = await client.call('transfer.run', { requestId, direction: 'get', from: '/clock.txt', to: join(dir, 'got') })
    await client.call('session.end', { requestId })
    return state === 'done' ? 'works' : `transfer ${state}`
  } catch (error) {
    return codeOf(error)
  }
}

/** The device still calls in, and everybody who looks at it is told why it lets nobody in. */
async function told({ client }: World, seconds: number): Promise<Row> {
  const days = Math.round(seconds / day)
  const what = `a device whose clock is ${days === 0 ? '1 hour' : `${Math.abs(days)} days`} ${seconds < 0 ? 'behind' : 'ahead'} calls in, and the list says`
  let why = ''
  for (let tries = 0; tries < 80 && why !== 'clock-off'; tries += 1) {
    why = (await client.call('device.reach', { device: deviceId })).why
    await sleep(500)
  }
  return row(what, 'clock-off', why, why === 'clock-off')
}

function refusedBeats({ dir }: World): Row {
  const lines = readFileSync(join(dir, 'main-server/audit.jsonl'), 'utf8').trim().split('\n')
  const codes = lines.map((line) => JSON.parse(line).event).filter(({ kind }) => kind === 'access-server.refused')
  const clockOff = codes.filter(({ data }) => data?.code === 'access.clock-off')
  return row('the main server’s audit names the clock of an access server that it took out', 'yes', clockOff.length > 0 ? 'yes' : 'no', clockOff.length > 0)
}

async function stepped(
  world: World,
  { what, seconds, set }: { what: string; seconds: number; set: (hosts: readonly Host[], seconds: number) => void },
): Promise<Row> {
  const { client } = world
  const { requestId } = await client.call('session.open', { device: deviceId, access: 'files', minutes: 1 })
  const sinceMs = performance.now()
  await sleep(20_000)
  set(all, seconds)
  const lasted = (await untilEnded(client, requestId)) - sinceMs
  set(all, 0)
  await backToWork(world)
  const found = `${(lasted / 1_000).toFixed(1)} s`
  return row(`a session of one minute, every clock set an hour ${what} after 20 s: lasts`, '62 s at most', found, lasted < 62_000)
}

async function untilEnded(client: World['client'], requestId: RequestId): Promise<number> {
  for (;;) {
    const { state } = await client.call('session.view', { requestId })
    if (state === 'ended') return performance.now()
    await sleep(100)
  }
}

function summed(came: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const one of came) counts.set(one, (counts.get(one) ?? 0) + 1)
  return [...counts].map(([one, count]) => `${count} × ${one}`).join(', ')
}
