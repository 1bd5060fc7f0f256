import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { finish } from './kills.ts'
import { codeOf, milliseconds, type Proof, type ProofContext, quantile, type Row, row } from './proof.ts'
import { nowMs, openWorkout, type Workout } from './workout.ts'
import { cutHospital, forgetAfter, lengthenCable, limitRate, losePackets, setMtu } from './world/faults.ts'
import { openWorld, type World } from './world/world.ts'

const megabyte = 1_048_576
const roundTripMs = 200
/** As soon as some NATs and proxies forget a connection on which nothing moves. */
const forgetfulSeconds = 60

export const network: Proof = {
  name: 'network',
  title: 'Poor networks: long, slow, lossy, small packets, IPv6, silence, outage',
  covers: ['D24', 'R013', 'R015', 'R044', 'R045', 'R054'],
  method:
    'Topology T. 200 ms by TUN interfaces of our own, 2 Mbit/s by tc tbf, loss by nft numgen, on the device’s line. One line typed every 250 ms. A bare TCP connection of one hop on the same line is the yardstick for what gets through and for echoes under loss.',
  limits: ['jitter and packets out of order; a path that swallows the ICMP that says how large a packet may be.'],
  async run(context) {
    // The two long waits beside everything else; worlds are built one at a time.
    const worlds = [await openWorld({ prepare: (net) => forgetAfter(net, forgetfulSeconds) }), await openWorld(), await openWorld()] as const
    const [quietly, out, poorly] = worlds
    const parts = await Promise.all([
      inOwn('silence', quietly, (world) => quiet(world, context)),
      inOwn('outage', out, (world) => outage(world, context)),
      inOwn('poor', poorly, (world) => poor(world, context)),
    ])
    const last = await openWorld({ family: 6, prepare: (net) => setMtu(net, 1_280) })
    return [...parts.flat(), ...(await inOwn('IPv6', last, (world) => sixth(world, context)))]
  },
}

/** A part that breaks is a row of its own, and the others go on. */
async function inOwn(name: string, world: World, part: (world: World) => Promise<Row[]>): Promise<Row[]> {
  try {
    return await part(world)
  } catch (error) {
    console.error(error)
    return [row(name, 'runs to its end', codeOf(error), false)]
  } finally {
    await world.close()
  }
}

/** Long, slow and lossy, one after the other. */
async function poor(world: World, { quick, say }: ProofContext): Promise<Row[]> {
  let shorten = () => {}
  try {
    shorten = await lengthenCable(world.net, roundTripMs / 2)
    const seconds = quick ? 8 : 40
    const idle = await openWorkout(world, { copyBytes: 0, everyMs: 250 })
    const alone = await echoesWithin(idle, seconds)
    say(`alone ${milliseconds(alone.p95)}`)
    limitRate(world.net, 2)
    const busy = await underCopy(world, { bytes: quick ? megabyte : 8 * megabyte })
    say(`slow ${milliseconds(busy.p95)} ${busy.kilobytesPerSecond}`)
    losePackets(world.net, 2)
    const lossy = await echoesWithin(idle, seconds)
    const bare = await bareEcho(world, seconds)
    const lossyCopy = await underCopy(world, { bytes: quick ? megabyte / 4 : 6 * megabyte })
    return [
      echoRow('200 ms round trip: echo', alone, roundTripMs + 100),
      echoRow('200 ms, 2 Mbit/s, during a transfer: echo', busy, roundTripMs + 300),
      goodputRow('200 ms, 2 Mbit/s: transfer', busy),
      row(
        '200 ms, 2 Mbit/s, 2 % loss: echo p95, against a bare TCP connection',
        'at most 1.25 times, or RTT + 100 ms',
        `${milliseconds(lossy.p95)} against ${milliseconds(bare.p95)} (p50 ${milliseconds(lossy.p50)} against ${milliseconds(bare.p50)})`,
        lossy.p95 <= Math.max(1.25 * bare.p95, roundTripMs + 100),
      ),
      goodputRow('200 ms, 2 Mbit/s, 2 % loss: transfer', lossyCopy),
      ...(await finish(idle, { copies: false })).map((one) => ({ ...one, what: `long, slow, lossy: ${one.what}` })),
    ]
  } finally {
    shorten()
  }
}

/** Nothing is typed and nothing is copied for five minutes, through a NAT that forgets after one. */
async function quiet(world: World, { quick }: ProofContext): Promise<Row[]> {
  const workout = await openWorkout(world, { copyBytes: 0 })
  await sleep(1_000)
  await workout.rest()
  const seconds = quick ? 75 : 300
  await sleep(seconds * 1_000)
  const sinceMs = nowMs()
  await workout.type()
  const firstMs = await workout.longestEcho(sinceMs)
  return [
    row(`${seconds} s of silence, a NAT that forgets after ${forgetfulSeconds} s: the first echo`, '≤ 1 s', milliseconds(firstMs), firstMs <= 1_000),
    ...(await finish(workout, { copies: false })).map((one) => ({ ...one, what: `silence: ${one.what}` })),
  ]
}

async function outage(world: World, { quick, say }: ProofContext): Promise<Row[]> {
  const workout = await openWorkout(world, { copyBytes: 0 })
  await sleep(1_000)
  const mend = cutHospital(world.net)
  const seconds = quick ? 20 : 300
  await sleep(seconds * 1_000)
  const { network: during } = await workout.view()
  const told = `${during.state}, ${during.failure ? JSON.stringify(during.failure) : 'no failure named'}`
  say(`outage: ${told}`)
  const sinceMs = nowMs()
  mend()
  await workout.longestEcho(sinceMs, 90_000)
  const echoes = await workout.echoes()
  const backMs = Math.min(...echoes.map(([sentMs, tookMs]) => sentMs + tookMs).filter((atMs) => atMs > sinceMs)) - sinceMs
  return [
    row(`${seconds} s outage: from its end to the next echo`, '≤ 35 s', milliseconds(backMs), backMs <= 35_000),
    row('meanwhile the client says so, and which hop fails', 'interrupted, with the hop', told, during.state === 'interrupted' && during.failure !== null),
    ...(await finish(workout, { copies: false })).map((one) => ({ ...one, what: `outage: ${one.what}` })),
  ]
}

/** IPv6 only, and packets of 1,280 bytes, the smallest that IPv6 allows (RFC 8200 section 5). */
async function sixth(world: World, { quick }: ProofContext): Promise<Row[]> {
  const workout = await openWorkout(world, { copyBytes: (quick ? 16 : 128) * megabyte })
  await sleep(quick ? 2_000 : 10_000)
  const before = world.kill((await workout.view()).accessServer.name === 'access-1' ? 'access-server-1' : 'access-server-2', 'SIGKILL')
  const sinceMs = nowMs()
  const resumeMs = await workout.longestEcho(sinceMs)
  if (before === 0) throw new Error('nothing was killed')
  return [
    row('IPv6 only, MTU 1280: resume after kill -9 of the carrier', '≤ 5 s', milliseconds(resumeMs), resumeMs <= 5_000),
    ...(await finish(workout)).map((one) => ({ ...one, what: `IPv6, MTU 1280: ${one.what}` })),
  ]
}

type Echoes = { p50: number; p95: number; count: number }
type Copied = Echoes & { kilobytesPerSecond: number; bareKilobytesPerSecond: number }

async function echoesWithin(workout: Workout, seconds: number): Promise<Echoes> {
  const sinceMs = nowMs()
  await sleep(seconds * 1_000)
  return summary((await workout.echoes()).filter(([sentMs]) => sentMs > sinceMs).map(([, tookMs]) => tookMs))
}

function summary(tookMs: number[]): Echoes {
  return { p50: quantile(tookMs, 0.5), p95: quantile(tookMs, 0.95), count: tookMs.length }
}

/** A file from the device while somebody types, then as much over a bare connection. */
async function underCopy(world: World, { bytes }: { bytes: number }): Promise<Copied> {
  const workout = await openWorkout(world, { copyBytes: bytes, everyMs: 250, once: true })
  const sinceMs = nowMs()
  const seconds = await workout.copied()
  const echoes = summary((await workout.echoes()).filter(([sentMs]) => sentMs > sinceMs).map(([, tookMs]) => tookMs))
  const result = await workout.finish()
  if (result.intact !== result.copies || result.copies === 0) throw new Error(`the copy failed: ${result.failures.join('; ')}`)
  return { ...echoes, kilobytesPerSecond: bytes / 1_024 / seconds, bareKilobytesPerSecond: await bareCopy(world, bytes) }
}

function echoRow(what: string, { p50, p95, count }: Echoes, boundMs: number): Row {
  return row(`${what} p95`, `≤ ${boundMs} ms`, `${milliseconds(p95)} (p50 ${milliseconds(p50)}, ${count} lines)`, p95 <= boundMs)
}

function goodputRow(what: string, { kilobytesPerSecond, bareKilobytesPerSecond }: Copied): Row {
  const share = kilobytesPerSecond / bareKilobytesPerSecond
  return row(
    `${what}, against a bare TCP connection`,
    '≥ 80 %',
    `${(share * 100).toFixed(0)} % (${kilobytesPerSecond.toFixed(0)} against ${bareKilobytesPerSecond.toFixed(0)} KiB/s)`,
    share >= 0.8,
  )
}

/** Seconds that so many bytes need from the device to an access server’s host, as KiB/s. */
async function bareCopy(world: World, bytes: number): Promise<number> {
  const { seconds } = await bare(
    world,
    `socket.end(Buffer.alloc(${bytes})); const start = performance.now(); socket.on('data', (data) => { if (!String(data).endsWith('.')) return; console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000 })); process.exit(0) })`,
  )
  return bytes / 1_024 / (seconds ?? Number.NaN)
}

async function bareEcho(world: World, forSeconds: number): Promise<Echoes> {
  const code = `const sent = []; const took = []; let rest = ''
    socket.on('data', (data) => { rest += data; for (let end = rest.indexOf('\\n'); end >= 0; end = rest.indexOf('\\n')) { rest = rest.slice(end + 1); took.push(performance.now() - sent[took.length]) } })
    const timer = setInterval(() => { socket.write('a line of some length, as typed\\n'); sent.push(performance.now()) }, 250)
    setTimeout(() => { clearInterval(timer); setTimeout(() => { console.log(JSON.stringify({ took })); process.exit(0) }, 2000) }, ${forSeconds * 1_000})`
  const { took = [] } = await bare(world, code)
  return summary(took)
}

/** From the device to a listener on an access server's host that echoes and says `.` at the end, on a port that only this opens. */
async function bare(world: World, code: string): Promise<{ seconds?: number; took?: number[] }> {
  const { net } = world
  net.firewall('hospital', 'insert rule inet wall forward iifname "device" tcp dport 444 accept')
  const far = `require('net').createServer({ allowHalfOpen: true }, (socket) => { socket.setNoDelay(true); socket.on('error', () => {}); socket.on('data', (data) => data.length < 200 && socket.write(data)); socket.on('end', () => socket.end('.')) }).listen(444, () => console.log('up'))`
  const near = `const socket = require('net').connect({ port: 444, host: ${JSON.stringify(net.address.access1.v4)}, noDelay: true }, () => { ${code} })`
  const [farProgram, ...farRest] = net.on('access1', [process.execPath, '-e', far])
  const server = spawn(farProgram, farRest, { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    await new Promise((resolve) => server.stdout.once('data', resolve))
    const [program, ...rest] = net.on('device', [process.execPath, '-e', near])
    const client = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    client.stdout.on('data', (data: Buffer) => {
      text += data
    })
    await new Promise((resolve) => client.once('close', resolve))
    return JSON.parse(text)
  } finally {
    server.kill('SIGKILL')
  }
}
