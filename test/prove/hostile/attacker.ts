import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'

/**
 * Somebody outside with many addresses: opens connections that say nothing for as long as they are let, and others that talk nonsense. `node attacker.ts TASK`, TASK in JSON; a line when the
 * slow ones stand, another with what became of the rest; goes on with the slow ones until it is killed.
 */
export type AttackerTask = { addresses: string[]; slow: { host: string; count: number }; junk: { hosts: string[]; count: number; atOnce: number } }

const task = JSON.parse(process.argv[2] ?? '') as AttackerTask
const told = { opened: 0, junk: 0, refused: 0 }
let turn = 0

function open(host: string): TLSSocket {
  turn += 1
  const localAddress = task.addresses[turn % task.addresses.length]
  return connect({ host, port: 443, servername: host, rejectUnauthorized: false, ...({ localAddress } as object) })
}

/** A head that never ends, a byte a second. */
async function beSlow(): Promise<never> {
  for (;;) {
    const socket = open(task.slow.host)
    const { promise, resolve } = Promise.withResolvers<void>()
    socket.once('secureConnect', () => {
      told.opened += 1
      socket.write('GET /tunnel HTTP/1.1\r\nHost: gantry\r\nX-Slow: ')
    })
    const drip = setInterval(() => socket.writable && socket.write('a'), 1_000)
    socket.on('error', () => undefined)
    socket.once('close', () => resolve())
    await promise
    clearInterval(drip)
    await sleep(100)
  }
}

const nonsense = [
  () => randomBytes(300),
  () =>
    'GET / HTTP/1.1\r\nHost: gantry\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  () =>
    `GET /tunnel HTTP/1.1\r\nHost: gantry\r\nConnection: Upgrade\r\nUpgrade: gantry-tunnel/1\r\nGantry-Opening: ${randomBytes(900).toString('base64url')}\r\n\r\n`,
  () => `GET /tunnel HTTP/1.1\r\nX-Long: ${'a'.repeat(20_000)}`,
]

async function talkNonsense(index: number): Promise<void> {
  const socket = open(task.junk.hosts[index % task.junk.hosts.length] ?? '')
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.setTimeout(15_000, () => socket.destroy())
  socket.once('secureConnect', () => socket.end(nonsense[index % nonsense.length]?.() ?? ''))
  socket.on('error', () => {
    told.refused += 1
  })
  socket.once('close', () => resolve())
  socket.resume()
  await promise
  told.junk += 1
}

for (let index = 0; index < task.slow.count; index += 1) {
  void beSlow()
  if (index % 50 === 49) await sleep(250)
}
await sleep(2_000)
console.log(JSON.stringify(told))
let next = 0
const work = async () => {
  while (next < task.junk.count) await talkNonsense(next++)
}
await Promise.all(Array.from({ length: task.junk.atOnce }, work))
console.log(JSON.stringify(told))
