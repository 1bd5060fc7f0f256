import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { promisify } from 'node:util'
import { type Browser, chromium } from 'playwright'
import { type LoopbackListener, openLoopbackListener } from '../../main/services/sign-in/loopback-listener.ts'
import { findBrowser } from '../../sandbox/browser.ts'
import { newNonce } from '../../shared/node/signing.ts'
import { type Proof, type Row, row } from './proof.ts'

export const callback: Proof = {
  name: 'callback',
  title: 'Nobody but the person’s own browser brings a sign-in back',
  covers: ['D21', 'T4'],
  method:
    'The listener of the desktop client’s sign-in, as it is opened there. Hostile calls of each kind by curl, by nobody’s curl for another local user, and by pages of another origin in Chromium, most of them with the right state; after each kind the right call is accepted, and the port is closed. Sockets are read from /proc/net.',
  limits: [
    'another local user who reads the link in the list of processes knows the state, and can spoil that one sign-in with a code of their own; the exchange refuses it (PKCE, nonce), and the next try works.',
  ],
  async run({ quick, say }) {
    const rows: Row[] = []
    let called = 0
    const late = openLate(quick)
    for (const { name, each, call } of kinds) {
      const times = quick ? 2 : each
      const { accepted, answers, control } = await tryKind(call, times)
      called += times
      const found = `${accepted} of ${times}; ${answers}; then the right call: ${control}`
      say(`${name}: ${found}`)
      rows.push(row(name, `0 of ${times}, then the right call is accepted and the port closed`, found, accepted === 0 && control === 'accepted, closed'))
    }
    const { times, refused, openMs } = await late
    called += times
    rows.push(row('late, when its time is over', `0 of ${times}`, `${times - refused} of ${times}`, refused === times))
    rows.push(row('open without an answer', quick ? '2 s' : '120 s at most', `${(openMs / 1_000).toFixed(1)} s`, openMs < (quick ? 2_500 : 121_000)))
    rows.push(row('hostile calls in all', quick ? '' : '300 at least', String(called), quick || called >= 300))
    await (await browser)?.close()
    return [...rows, ...(await sockets(quick ? 5 : 50))]
  },
}

type Target = { port: number; state: string; listener: LoopbackListener }
type Kind = { name: string; each: number; call(target: Target): Promise<string> }

const run = promisify(execFile)
const right = ({ port, state }: Target, path = '/callback') => `http://127.0.0.1:${port}${path}?code=a-code&state=${state}`
/** The status, or why there was none. */
async function curl(url: string, ...more: string[]): Promise<string> {
  const argv = ['--silent', '--output', '/dev/null', '--write-out', '%{http_code}', '--max-time', '5', ...more, url]
  return run('curl', argv).then(
    ({ stdout }) => stdout,
    ({ code }: { code: number }) => (code === 7 ? 'no connection' : `curl ${code}`),
  )
}
const byCurl = (name: string, call: (target: Target) => [string, ...string[]]): Kind => ({ name, each: 15, call: (target) => curl(...call(target)) })

/** As somebody else on this computer, who is first. */
async function asNobody(url: string): Promise<string> {
  const argv = ['--reuid', '65534', '--regid', '65534', '--clear-groups', 'curl', '--silent', '--output', '/dev/null', '--write-out', '%{http_code}', url]
  return (await run('setpriv', argv)).stdout
}

const kinds: Kind[] = [
  byCurl('a wrong state', ({ port }) => [`http://127.0.0.1:${port}/callback?code=a-code&state=${newNonce()}`]),
  byCurl('a state with one character more', (target) => [`${right(target)}x`]),
  byCurl('no state', ({ port }) => [`http://127.0.0.1:${port}/callback?code=a-code`]),
  byCurl('two states, one of them right', (target) => [`${right(target)}&state=x`]),
  byCurl('two codes', (target) => [`${right(target)}&code=x`]),
  byCurl('a wrong Host', (target) => [right(target), '--header', 'Host: gantry.example']),
  byCurl('the Host localhost', (target) => [right(target), '--header', `Host: localhost:${target.port}`]),
  byCurl('no Host', (target) => [right(target), '--http1.0', '--header', 'Host:']),
  byCurl('the Origin of another site', (target) => [right(target), '--header', 'Origin: https://elsewhere.example']),
  byCurl('POST', (target) => [right(target), '--data', 'code=a-code']),
  byCurl('PUT', (target) => [right(target), '--request', 'PUT']),
  byCurl('another path', (target) => [right(target, '/callback/')]),
  byCurl('the path in capitals', (target) => [right(target, '/CALLBACK')]),
  byCurl('a whole address of another server', (target) => [
    right(target),
    '--request-target',
    `http://elsewhere.example/callback?code=a-code&state=${target.state}`,
  ]),
  { name: 'another local user, who is first', each: 15, call: ({ port }) => asNobody(`http://127.0.0.1:${port}/callback?code=a-code&state=${newNonce()}`) },
  { name: 'Chromium: a script of another origin', each: 15, call: (target) => inPage(target, 'fetch(address, { mode: "no-cors" }).catch(() => null)') },
  {
    name: 'Chromium: a frame and a picture in another origin’s page',
    each: 15,
    call: (target) =>
      inPage(target, 'for (const kind of ["iframe", "img"]) document.body.append(Object.assign(document.createElement(kind), { src: address }))'),
  },
  {
    name: 'Chromium: a form of another origin that posts',
    each: 15,
    call: (target) =>
      inPage(target, 'document.body.append(Object.assign(document.createElement("form"), { action: address, method: "POST" })), document.forms[0].submit()'),
  },
  { name: 'Chromium: a name that is bound anew to 127.0.0.1', each: 15, call: rebound },
]

async function tryKind(call: Kind['call'], times: number) {
  const target = await open()
  const answers = new Map<string, number>()
  let accepted = 0
  const settled = target.listener.answer.then(() => {
    accepted += 1
  })
  settled.catch(() => undefined)
  for (let count = 0; count < times; count += 1) {
    const answer = await call(target)
    answers.set(answer, (answers.get(answer) ?? 0) + 1)
  }
  const before = accepted
  await curl(right(target))
  await settled
  const taken = accepted === 1 && before === 0 ? 'accepted' : 'not accepted'
  const again = (await curl(right(target))) === 'no connection' ? 'closed' : 'still open'
  await target.listener.close()
  return { accepted: before, answers: [...answers].map(([answer, count]) => `${count} × ${answer}`).join(', '), control: `${taken}, ${again}` }
}

async function open(timeoutMs?: number): Promise<Target> {
  const state = newNonce()
  const listener = await openLoopbackListener({ state, ...(timeoutMs === undefined ? {} : { timeoutMs }) })
  return { listener, state, port: Number(new URL(listener.redirectUri).port) }
}

async function openLate(quick: boolean) {
  const [target, start] = [await open(quick ? 2_000 : undefined), performance.now()]
  await target.listener.answer.catch(() => undefined)
  const openMs = performance.now() - start
  const times = quick ? 2 : 15
  let refused = 0
  for (let count = 0; count < times; count += 1) if ((await curl(right(target))) === 'no connection') refused += 1
  return { times, refused, openMs }
}

let browser: Promise<Browser> | undefined
function launch(): Promise<Browser> {
  browser ??= chromium.launch({ executablePath: findBrowser() ?? '', args: ['--no-sandbox', '--disable-gpu', '--host-resolver-rules=MAP *.example 127.0.0.1'] })
  return browser
}

/** A page that another program on this computer serves, and what its script does with the address. */
async function inPage(target: Target, script: string): Promise<string> {
  const server = createServer((_request, response) => void response.setHeader('content-type', 'text/html').end('<body></body>'))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const page = await (await launch()).newPage()
  const answers: string[] = []
  page.on('response', (response) => void (response.url().startsWith(right(target)) && answers.push(String(response.status()))))
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  await page.evaluate(`{ const address = ${JSON.stringify(right(target))}; ${script} }`)
  await page.waitForTimeout(200)
  await page.close()
  server.close()
  return answers.join(' and ') || 'never sent'
}

async function rebound(target: Target): Promise<string> {
  const page = await (await launch()).newPage()
  const answer = await page.goto(right(target).replace('127.0.0.1', 'rebound.example'))
  await page.close()
  return String(answer?.status())
}

/** Where its sockets listen, and under which numbers. */
async function sockets(count: number): Promise<Row[]> {
  const targets = await Promise.all(Array.from({ length: count }, () => open()))
  const hex = new Set(targets.map(({ port }) => port.toString(16).toUpperCase().padStart(4, '0')))
  const listening = ['tcp', 'tcp6'].flatMap((name) => {
    const lines = readFileSync(`/proc/net/${name}`, 'utf8').trim().split('\n').slice(1)
    return lines.map((line) => line.trim().split(/\s+/)).filter(([, , , state]) => state === '0A')
  })
  const own = listening.map(([, local = '']) => local.split(':')).filter(([, port = '']) => hex.has(port))
  const places = new Set(own.map(([address]) => (address === '0100007F' ? '127.0.0.1' : address)))
  const others = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))
  const reached = await Promise.all(others.filter((address) => address !== '127.0.0.1').map((address) => reaches(address, targets[0]?.port ?? 0)))
  const ports = targets.map(({ port }) => port)
  const steps = new Set(ports.slice(1).map((port, place) => Math.abs(port - (ports[place] ?? 0))))
  await Promise.all(targets.map(({ listener }) => listener.close()))
  return [
    row(`${count} listeners: addresses they are bound to`, '127.0.0.1', [...places].join(', '), places.size === 1 && places.has('127.0.0.1')),
    row(
      'other addresses of this computer, ::1 among them',
      'no connection',
      `${reached.filter(Boolean).length} of ${reached.length} connected`,
      !reached.some(Boolean),
    ),
    row(
      'their ports',
      'all different, in no order',
      `${new Set(ports).size} ports, ${steps.size} distances`,
      new Set(ports).size === count && steps.size > count / 3,
    ),
  ]
}

function reaches(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ host, port, timeout: 1_000 })
  socket
    .once('connect', () => resolve(true))
    .once('error', () => resolve(false))
    .once('timeout', () => resolve(false))
  return promise.finally(() => socket.destroy())
}
