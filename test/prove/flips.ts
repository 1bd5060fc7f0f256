import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '../../main/services/services.ts'
import type { SessionWorld } from '../support/client-session.ts'
import { type Blow, blows } from './hostile/pump.ts'
import { codeOf, createChance, type Proof, type Row, row } from './proof.ts'

/** What became of one blow: everything arrived all the same, or the session or the transfer ended. `wrong` is what must never be. */
type Outcome = 'healed' | 'ended' | 'wrong'
type Hostile = typeof import('./hostile/pump.ts')
type Tally = Record<Outcome, number>

const spoken = randomBytes(131_072)
const fileBytes = 524_288

export const flips: Proof = {
  name: 'flips',
  title: 'A hostile access server cannot alter one byte',
  covers: ['D10', 'R042', 'R059'],
  method:
    'The real client services and the real session of the agent, joined by access servers whose pump strikes once at a random byte: a flipped bit, bytes in another order, bytes left out, bytes put in. Half of the blows on a shell’s stream through the link, half on the files leg.',
  async run({ quick, seed, say }) {
    const hostile = await import('./hostile/pump.ts')
    const { startSessionWorld } = await withHostilePump(() => import('../support/client-session.ts'))
    const chance = createChance(seed)
    const [times, batch] = quick ? [40, 20] : [500, 50]
    const [control, files] = [emptyTallies(), emptyTallies()]
    for (let done = 0; done < times; done += batch) {
      // A new world now and then: what a test's own main server and device remember of a thousand sessions is not what is measured.
      const world = await startSessionWorld()
      try {
        await strikeControl({ world, hostile, chance, times: batch }, control)
        await strikeFiles({ world, hostile, chance, times: batch }, files)
      } finally {
        await world.close()
      }
      say(`${2 * (done + batch)} blows of ${2 * times}`)
    }
    const { struck, joined } = hostile.told()
    return [
      row('the hostile pump was in place', 'yes', `${joined} legs joined, ${struck} blows struck`, joined > 0 && struck >= 2 * times),
      ...rowsOf('shell', control),
      ...rowsOf('files', files),
    ]
  },
}

type Blows = { world: SessionWorld; hostile: Hostile; chance: () => number; times: number }

async function strikeControl({ world, hostile, chance, times }: Blows, tallies: Record<Blow, Tally>): Promise<void> {
  let session: Session | null = null
  for (let index = 0; index < times; index += 1) {
    const blow = blows[index % blows.length] as Blow
    const before = hostile.told().struck
    hostile.arm({ blow, from: chance() < 0.5 ? 'client' : 'agent', afterBytes: Math.floor(chance() * spoken.length), chance })
    let outcome: Outcome = 'ended'
    session ??= await world.open().catch((error: unknown) => {
      lastRefusal = codeOf(error)
      return null
    })
    if (session) outcome = await speak(session)
    // The end of a session takes a moment to be known; a new one is opened for the next blow.
    if (session && (outcome !== 'healed' || session.view().state === 'ended')) {
      await session.end().catch(() => undefined)
      session = null
    }
    hostile.arm(null)
    if (hostile.told().struck > before) tallies[blow][outcome] += 1
    else missed(index--, before)
  }
  await session?.end().catch(() => undefined)
}

/** The same bytes there and back. What comes is never anything but the beginning of what was sent. */
async function speak(session: Session): Promise<Outcome> {
  try {
    const { stream } = await within(session.exec('cat'), 10_000)
    const back: Buffer[] = []
    stream.on('data', (chunk: Buffer) => back.push(chunk))
    stream.end(spoken)
    const closed = new Promise((resolve) => stream.once('close', resolve))
    await Promise.race([closed, session.ended, sleep(20_000, null, { ref: false })])
    const all = Buffer.concat(back)
    stream.destroy()
    if (!all.equals(spoken.subarray(0, all.length))) return 'wrong'
    return all.length === spoken.length ? 'healed' : 'ended'
  } catch {
    return 'ended'
  }
}

async function strikeFiles({ world, hostile, chance, times }: Blows, tallies: Record<Blow, Tally>): Promise<void> {
  const content = randomBytes(fileBytes)
  const local = join(world.main.profileDir, 'got.bin')
  writeFileSync(join(world.filesRoot, 'there.bin'), content, { mode: 0o644 })
  let session = await world.open()
  for (let index = 0; index < times; index += 1) {
    const blow = blows[index % blows.length] as Blow
    const before = hostile.told().struck
    if (session.view().state === 'ended') session = await world.open()
    hostile.arm({ blow, from: chance() < 0.1 ? 'client' : 'agent', afterBytes: Math.floor(chance() * fileBytes), chance })
    const { transferIds } = await world.services.transfers.start(
      {
        ...{ requestId: session.requestId, direction: 'get', from: ['/there.bin'], to: world.main.profileDir, replace: true },
      },
      { as: 'got.bin' },
    )
    const done = await within(world.services.transfers.finished(transferIds[0] ?? ''), 60_000)
    hostile.arm(null)
    const arrived = existsSync(local) ? readFileSync(local) : null
    const outcome: Outcome =
      arrived && !arrived.equals(content) ? 'wrong' : done.state === 'done' ? (arrived ? 'healed' : 'wrong') : arrived ? 'wrong' : 'ended'
    rmSync(local, { force: true })
    world.services.transfers.forget(transferIds)
    if (hostile.told().struck > before) tallies[blow][outcome] += 1
    else missed(index--, before)
  }
  await session.end().catch(() => undefined)
}

/** A blow that found no bytes is struck again; many in a row say that nothing moves any more. */
let lastRefusal = 'none'
let lastMissed = { struck: -1, times: 0 }
function missed(index: number, struck: number): void {
  lastMissed = { struck, times: lastMissed.struck === struck ? lastMissed.times + 1 : 1 }
  if (lastMissed.times > 20) throw new Error(`nothing moves any more after ${index} blows; last refusal: ${lastRefusal}`)
}

function emptyTallies(): Record<Blow, Tally> {
  const none = () => ({ healed: 0, ended: 0, wrong: 0 })
  return { flip: none(), reorder: none(), truncate: none(), splice: none() }
}

function rowsOf(leg: string, tallies: Record<Blow, Tally>): Row[] {
  return blows.map((blow) => {
    const { healed, ended, wrong } = tallies[blow]
    return row(`${leg}: ${healed + ended + wrong} times ${blow}: wrong bytes delivered`, '0', `${wrong}; ${healed} healed, ${ended} ended`, wrong === 0)
  })
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  const late = sleep(ms, null, { ref: false }).then(() => {
    throw new Error('too late')
  })
  return Promise.race([work, late])
}

/** Loads with the access server's pump replaced: the rest of it is the real one. */
async function withHostilePump<T>(load: () => Promise<T>): Promise<T> {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const real = specifier === './pump.ts' && context.parentURL?.endsWith('/cloud/access-server/seat.ts')
      return next(real ? new URL('./hostile/pump.ts', import.meta.url).href : specifier, context)
    },
  })
  try {
    return await load()
  } finally {
    hooks.deregister()
  }
}
