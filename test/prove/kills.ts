import { setTimeout as sleep } from 'node:timers/promises'
import { createChance, milliseconds, type Proof, type ProofContext, quantile, type Row, row } from './proof.ts'
import { nowMs, openWorkout, type Workout } from './workout.ts'
import { forgetConnections, limitRate, renumberDevice, wall } from './world/faults.ts'
import { openWorld, type PartName, type World } from './world/world.ts'

/** What happens to the way between the two ends, and how it is undone. `moves`: the session has to go over the other server. */
type Fault = {
  name: string
  times: { full: number; quick: number }
  bounds: { medianMs: number; maxMs: number }
  moves: boolean
  strike(run: Run): Promise<() => unknown>
}
type Run = { world: World; workout: Workout; carrier: PartName }

const active = { medianMs: 2_000, maxMs: 5_000 }
/** Both ways are dead at once and have to be built anew. */
const anew = { medianMs: 5_000, maxMs: 10_000 }
const nothing = () => undefined

const faults: Fault[] = [
  {
    ...{ name: 'kill -9 of the access server that carries', times: { full: 50, quick: 4 }, bounds: active, moves: true },
    async strike({ world, carrier }) {
      const before = world.kill(carrier, 'SIGKILL')
      return () => world.upAgain(carrier, before)
    },
  },
  {
    ...{ name: 'SIGSTOP of it', times: { full: 10, quick: 2 }, bounds: active, moves: true },
    async strike({ world, carrier }) {
      const pid = world.kill(carrier, 'SIGSTOP')
      return () => process.kill(pid, 'SIGCONT')
    },
  },
  {
    ...{ name: 'it drains (SIGTERM)', times: { full: 10, quick: 2 }, bounds: active, moves: true },
    async strike({ world, carrier }) {
      const before = world.kill(carrier, 'SIGTERM')
      return () => world.upAgain(carrier, before)
    },
  },
  {
    ...{ name: 'one-way partition: nothing of it reaches the hospital', times: { full: 5, quick: 1 }, bounds: active, moves: true },
    strike: async ({ world, carrier }) => wall(world.net, { from: hostOf(carrier), to: 'hospital' }),
  },
  {
    ...{ name: 'one-way partition: nothing of the hospital reaches it', times: { full: 5, quick: 1 }, bounds: active, moves: true },
    strike: async ({ world, carrier }) => wall(world.net, { from: 'hospital', to: hostOf(carrier) }),
  },
  {
    ...{ name: 'the device gets another address', times: { full: 5, quick: 1 }, bounds: anew, moves: false },
    async strike({ world }) {
      renumberDevice(world.net)
      return nothing
    },
  },
  {
    ...{ name: 'the hospital’s NAT forgets every connection', times: { full: 5, quick: 1 }, bounds: anew, moves: false },
    async strike({ world }) {
      forgetConnections(world.net)
      return nothing
    },
  },
]

export const kills: Proof = {
  name: 'kills',
  title: 'A session lives through the death of whatever carries it',
  covers: ['D1', 'R012', 'R015', 'R054', 'R056'],
  method:
    'Topology T, the device’s link at 200 Mbit/s. A 1 GiB file goes to and fro and a line is typed into a shell every 20 ms, while one thing after the other is struck at random moments. Resume: the longest that anybody waited for an echo.',
  async run(context) {
    const { quick, say } = context
    const world = await openWorld({ prepare: (net) => limitRate(net, 200) })
    try {
      const workout = await openWorkout(world, { copyBytes: quick ? 268_435_456 : 1_073_741_824 })
      const rows: Row[] = []
      for (const fault of faults) {
        rows.push(await strikeAgain(fault, { world, workout, context }))
        say(rows.at(-1)?.found ?? '')
      }
      return [...rows, ...(await finish(workout))]
    } finally {
      await world.close()
    }
  },
}

async function strikeAgain(fault: Fault, { world, workout, context }: { world: World; workout: Workout; context: ProofContext }): Promise<Row> {
  const chance = createChance(context.seed)
  const times = context.quick ? fault.times.quick : fault.times.full
  const found: number[] = []
  for (let index = 0; index < times; index += 1) {
    await settled(workout)
    await sleep(chance() * 1_500)
    const carrier = await carrierOf(workout)
    const sinceMs = nowMs()
    const undo = await fault.strike({ world, workout, carrier })
    if (fault.moves) await moved(workout, carrier)
    found.push(await workout.longestEcho(sinceMs))
    await undo()
    if (index % 10 === 9) context.say(`${fault.name}: ${index + 1} of ${times}, the longest ${milliseconds(quantile(found, 1))}`)
  }
  const [medianMs, maxMs] = [quantile(found, 0.5), quantile(found, 1)]
  const { bounds } = fault
  return row(
    `${fault.name}, ${times} times: resume`,
    `median ≤ ${bounds.medianMs / 1_000} s, max ≤ ${bounds.maxMs / 1_000} s`,
    `median ${milliseconds(medianMs)}, max ${milliseconds(maxMs)}`,
    medianMs <= bounds.medianMs && maxMs <= bounds.maxMs,
  )
}

/** What must be true at the end. `copies: false` where nothing was copied. */
export async function finish(workout: Workout, { copies: copied }: { copies: boolean } = { copies: true }): Promise<Row[]> {
  const { typed, echoed, wrong, sameShell, copies, intact, failures, ended } = await workout.finish()
  const lives = ended === null && sameShell
  const typing = [
    row('typed lines lost, doubled or altered', '0', `${typed - echoed} of ${typed} missing, ${wrong} wrong`, typed === echoed && wrong === 0),
    row('the session goes on, and the same shell process', 'yes', lives ? 'yes' : `ended: ${ended ?? 'no'}, same shell: ${sameShell}`, lives),
  ]
  if (!copied) return typing
  const why = failures.length > 0 ? ` (${failures.slice(0, 5).join('; ')})` : ''
  return [...typing, row('copies whose SHA-256 is equal', 'all', `${intact} of ${copies}${why}`, intact === copies && copies > 0)]
}

async function carrierOf(workout: Workout): Promise<PartName> {
  return (await workout.view()).accessServer.name === 'access-1' ? 'access-server-1' : 'access-server-2'
}

function hostOf(part: PartName): 'access1' | 'access2' {
  return part === 'access-server-1' ? 'access1' : 'access2'
}

/** Both ways are there: the next strike is one of its own. */
async function settled(workout: Workout): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    const { network, state, endCause } = await workout.view()
    if (state === 'ended') throw new Error(`the session ended: ${endCause}`)
    if (network.state === 'carried' && network.standby) return
    await sleep(100)
  }
  throw new Error('no second way after 60 s')
}

async function moved(workout: Workout, from: PartName): Promise<void> {
  for (let tries = 0; tries < 200 && (await carrierOf(workout)) === from; tries += 1) await sleep(50)
}
