import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Proof, type Row, row } from '../proof.ts'
import { startUpdateWorld, type UpdateWorld } from './update-world.ts'

/** Octets of a release. */
const size = 40_000_000

export const updates: Proof = {
  name: 'updates',
  title: 'The app updates itself from a server that may lie, lag or break off, and never to anything that the vendor’s offline key did not sign',
  covers: ['D34', 'R118'],
  method:
    'The release officer’s own command signs; the real main server hands out over TLS; the app’s services, as Electron’s main process starts them, judge and fetch, through a proxy that cuts connections where a row says so; the real electron-updater, in plain Node with an app of its own, replaces the file. The “AppImage” is a program of 40 MB that writes down which release it is, so that what runs afterwards is seen and not inferred. Each row is a new installation of release 0.1.0.',
  limits: [
    'the installers of Windows and macOS, and a .deb’s question for an administrator: electron-updater’s own, met by the hosted workflow’s packages alone.',
    'an open session that delays it: `test/system/update.test.ts`, with a real one.',
  ],
  async run({ quick, say }) {
    const folder = mkdtempSync(join(tmpdir(), 'gantry-updates-'))
    const world = await startUpdateWorld(folder, quick ? size / 10 : size)
    try {
      const rows: Row[] = []
      for (const step of steps) {
        await world.reset()
        const found = await step(world)
        rows.push(...found)
        for (const { what } of found) say(what)
      }
      return rows
    } finally {
      await world.close()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

type Step = (world: UpdateWorld) => Promise<Row[]>
const steps: readonly Step[] = [applied, cutOff, rogue, altered, held, rolledBack, older, takenBack, notItsTurn, halfway, widened]

async function applied(world: UpdateWorld): Promise<Row[]> {
  const app = await world.installApp()
  const start = performance.now()
  await app.ready()
  const seconds = (performance.now() - start) / 1_000
  const running = await app.restart()
  const before = app.before()
  const back = before === null ? 'none' : await app.runFile(before)
  return [
    row('a release is offered, fetched, verified and installed; what starts afterwards by itself', '0.2.0', running, running === '0.2.0'),
    row('the file in the app’s place', '0.2.0', await app.runInstalled(), (await app.runInstalled()) === '0.2.0'),
    row('services ended before it was replaced', 'yes', app.wasStopped() ? 'yes' : 'no', app.wasStopped()),
    row('the version before is kept, and runs', '0.1.0', back, back === '0.1.0'),
    row('fetching and verifying', '–', `${(world.bytes / 1_000_000 / seconds).toFixed(0)} MB/s`, null),
  ]
}

async function cutOff(world: UpdateWorld): Promise<Row[]> {
  const cuts = [0.1, 0.35, 0.2, 0.15].map((share) => Math.floor(share * world.bytes))
  const app = await world.installApp({ cuts })
  await app.ready()
  const running = await app.restart()
  const most = Math.round((app.received() / world.bytes) * 100)
  return [
    row('the connection is cut four times; what is installed', '0.2.0', running, running === '0.2.0'),
    // From the start each time it would be 180 %. What was in the pipes at a cut comes twice.
    row('octets on the wire, of the file’s own', '≤ 125 %', `${most} %`, most <= 125),
  ]
}

async function rogue(world: UpdateWorld): Promise<Row[]> {
  await world.signByAnother()
  return refusal(world, 'a manifest that another key signed', 'update.manifest-bad')
}

async function altered(world: UpdateWorld): Promise<Row[]> {
  world.alterFile()
  return refusal(world, 'one octet of the file is another', 'update.file-bad')
}

async function held(world: UpdateWorld): Promise<Row[]> {
  await world.signExpired()
  return refusal(world, 'a frozen feed: the manifest ran out a day ago', 'update.expired')
}

async function rolledBack(world: UpdateWorld): Promise<Row[]> {
  const app = await world.installApp()
  await app.ready()
  world.putEarlierManifest()
  return refusal(world, 'a rolled-back feed: a manifest of an earlier serial', 'update.older', app)
}

async function older(world: UpdateWorld): Promise<Row[]> {
  const app = await world.installApp({ release: '0.3.0' })
  const { outcome, state } = await app.check()
  return [
    row('a release older than what runs, well signed', 'current, not offered', `${outcome}, ${state}`, outcome === 'current' && state === 'idle'),
    await untouched(app, '0.3.0', 'a release older than what runs'),
  ]
}

async function takenBack(world: UpdateWorld): Promise<Row[]> {
  const app = await world.installApp()
  await app.ready()
  await world.change('--halt')
  const { outcome } = await app.tryRestart()
  return [
    row('taken back when it was fetched already', 'halted', String(outcome), outcome === 'halted'),
    await untouched(app, '0.1.0', 'a release that was taken back'),
  ]
}

async function notItsTurn(world: UpdateWorld): Promise<Row[]> {
  await world.change('--percentage', '0')
  const app = await world.installApp()
  const { outcome } = await app.check()
  return [
    row('handed out to 0 % of the computers', 'later', String(outcome), outcome === 'later'),
    await untouched(app, '0.1.0', 'a release whose turn has not come'),
  ]
}

/** electron-updater removes the running AppImage first: when what should follow is not there, nothing would be left. */
async function halfway(world: UpdateWorld): Promise<Row[]> {
  const app = await world.installApp()
  await app.ready()
  await app.restartWithout()
  const left = await app.runInstalled()
  return [
    row('its installation fails after the old file is gone; what is in its place then', '0.1.0', left, left === '0.1.0'),
    row('and starts again', 'yes', app.wasRelaunched() ? 'yes' : 'no', app.wasRelaunched()),
  ]
}

async function widened(world: UpdateWorld): Promise<Row[]> {
  await world.change('--percentage', '0')
  const app = await world.installApp()
  await app.check()
  await world.change('--percentage', '100')
  await app.check()
  await app.ready()
  const running = await app.restart()
  return [row('handed out to all afterwards', '0.2.0', running, running === '0.2.0')]
}

async function refusal(world: UpdateWorld, what: string, code: string, app?: Awaited<ReturnType<UpdateWorld['installApp']>>): Promise<Row[]> {
  const asked = app ?? (await world.installApp())
  const found = (await asked.settled()).failure?.code ?? 'nothing'
  return [row(what, code, found, found === code), await untouched(asked, '0.1.0', what)]
}

async function untouched(app: Awaited<ReturnType<UpdateWorld['installApp']>>, release: string, after: string): Promise<Row> {
  const found = await app.runInstalled()
  return row(`the app’s file after: ${after}`, release, found, found === release && !app.wasStopped())
}
