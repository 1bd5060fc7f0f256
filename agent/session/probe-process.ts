import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { accessSync, constants } from 'node:fs'
import { connect, isIPv6 } from 'node:net'
import { argv, stdin, stdout } from 'node:process'
import { text } from 'node:stream/consumers'
import type { ProbeAnswer, ProbeOrder, Target } from './probe.ts'

/**
 * A program of the session's own network, mounts and user, started as its first: it tries what must not answer, and says what happened. It gives up root before
 * it tries anything. Its input comes from the agent alone: argument 1 and 2 are the user's ids, standard input the order.
 */

/** Nothing left this machine: no route, no address, not allowed. Whatever else happens, also silence, is a packet on its way. */
const blockedCodes: ReadonlySet<string> = new Set(['ENETUNREACH', 'EADDRNOTAVAIL', 'EACCES', 'EPERM', 'EAFNOSUPPORT', 'ENETDOWN'])
const timeLimitMs = 1_500

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown')

function tryTcp({ host, port }: Target): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeLimitMs })
    const end = (what: string) => {
      resolve(what)
      socket.destroy()
    }
    socket.once('connect', () => end('connected'))
    socket.once('timeout', () => end('silence'))
    socket.on('error', (error) => end(codeOf(error)))
  })
}

function tryUdp({ host, port, kind }: Target): Promise<string> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
    socket.on('error', (error) => resolve(codeOf(error)))
    socket.bind(() => {
      try {
        if (kind === 'broadcast') socket.setBroadcast(true)
      } catch {
        // Then sending says why.
      }
      socket.send(Buffer.alloc(12), port, host, (error) => {
        resolve(error ? codeOf(error) : 'sent')
        socket.close()
      })
    })
  })
}

/** Through the system's resolver, with all the daemons that it may ask on a program's behalf. */
async function tryName(name: string): Promise<string> {
  const late = new Promise<string>((resolve) => setTimeout(resolve, timeLimitMs, 'EAI_AGAIN').unref())
  return Promise.race([lookup(name).then(() => 'resolved', codeOf), late])
}

function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

async function main(): Promise<void> {
  const [uid, gid] = argv.slice(2).map(Number)
  if (!uid || !gid) throw new Error('a user is missing')
  process.setgroups?.([])
  process.setgid?.(gid)
  process.setuid?.(uid)
  const { targets, name, sockets } = JSON.parse(await text(stdin)) as ProbeOrder
  const ways = { tcp: tryTcp, broadcast: tryUdp, udp: tryUdp }
  const outcomes = await Promise.all(targets.map((target) => ways[target.kind](target)))
  const named = name ? await tryName(name) : null
  const answer: ProbeAnswer = {
    reached: outcomes.map((outcome) => !blockedCodes.has(outcome)),
    outcomes,
    resolved: named === 'resolved',
    sockets: sockets.filter(canWrite),
  }
  stdout.write(JSON.stringify(answer), () => process.exit(0))
}

await main()
