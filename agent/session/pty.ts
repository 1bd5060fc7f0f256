import { writeSync } from 'node:fs'
import { constants } from 'node:os'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { ReadStream } from 'node:tty'
import { spawn } from '@lydell/node-pty'

/**
 * A program on a pseudo-terminal. Two things are done around node-pty 1.1.0 (pinned exactly), each with its test:
 * - its `write` ends in libuv's blocking writes, since the master side of a terminal cannot be reopened: a paste into a program that does not read
 *   would stop the whole agent, red button included. Here input is written without blocking, and waits.
 * - it closes the terminal 200 ms after the program's end even while reading is paused, and so loses the rest of a slow reader's output.
 */
export type PtyOptions = { file: string; args: string[]; cwd: string; env: Record<string, string>; term: string; cols: number; rows: number }
/** How a program ended: `signal` without `SIG`, null when it returned `code`. */
export type Exit = { code: number; signal: string | null }
export type Pty = {
  readonly pid: number
  /** Hands over the output as it comes and resolves once program and output are through. What `take` has not accepted makes the program wait. */
  run(take: (chunk: Buffer) => Promise<void>): Promise<Exit>
  /** Null when the program's side took it all at once, or is gone; else resolves when it did. One at a time. */
  write(chunk: Buffer): Promise<void> | null
  resize(cols: number, rows: number): void
}

/** 64 KiB on their way to the client; the kernel keeps about as much again before the program waits. */
const maxWaitingBytes = 65_536
const quietMs = 100
const pieceBytes = 4_096
const none = Buffer.alloc(0)

type Internals = { fd: number; _socket: ReadStream; _emittedClose: boolean }

export function openPty({ file, args, cwd, env, term, cols, rows }: PtyOptions): Pty {
  const terminal = spawn(file, args, { name: term, cwd, env, cols: cellsOf(cols, 80), rows: cellsOf(rows, 24), encoding: null })
  const inner = internalsOf(terminal)
  const socket = inner._socket
  // The program's end is then told at once, and closing the terminal is left to `run`.
  inner._emittedClose = true
  const exited = new Promise<Exit>((resolve) => {
    terminal.onExit(({ exitCode, signal }) => resolve({ code: exitCode, signal: signal ? signalName(signal) : null }))
  })
  const closed = new Promise<void>((resolve) => socket.once('close', resolve))
  // EIO is how Linux says that the program's side is closed.
  socket.on('error', () => socket.destroy())

  /** What the program's side does not take now; nothing once it is gone. */
  const put = (chunk: Buffer): Buffer => {
    let rest = chunk
    while (rest.length > 0) {
      const count = socket.destroyed ? 'gone' : writeNow(inner.fd, rest.subarray(0, pieceBytes))
      if (count === 'gone') return none
      if (count === 0) return rest
      rest = rest.subarray(count)
    }
    return none
  }
  const putLater = async (chunk: Buffer) => {
    for (let rest = chunk; rest.length > 0; rest = put(rest)) await sleep(5)
  }

  return {
    pid: terminal.pid,
    async run(take) {
      let received = 0
      let waiting: Buffer[] = []
      let waitingBytes = 0
      let pumping: Promise<void> | null = null
      // A terminal gives 4 KiB at most at once; what has gathered while the last piece was taken goes on as one.
      const pump = async () => {
        while (waiting.length > 0) {
          const chunk = Buffer.concat(waiting, waitingBytes)
          waiting = []
          waitingBytes = 0
          await take(chunk)
          socket.resume()
        }
        pumping = null
      }
      terminal.onData((data) => {
        // With `encoding: null` node-pty gives octets; its types do not say so.
        const chunk = data as unknown as Buffer
        received += chunk.length
        waiting.push(chunk)
        waitingBytes += chunk.length
        if (waitingBytes >= maxWaitingBytes) socket.pause()
        pumping ??= pump()
      })
      const exit = await exited
      // Programs in the background may keep the terminal open; what the one in front wrote is there once it has been quiet.
      for (let seen = -1; seen !== received && !socket.destroyed; ) {
        seen = received
        await Promise.race([closed, sleep(quietMs)])
        // On a busy machine that time is over before what is there was read: timers come first in a turn of the event loop, reading next, this last.
        await nextTurn()
        await pumping
      }
      socket.destroy()
      await pumping
      return exit
    },
    write(chunk) {
      const rest = put(chunk)
      return rest.length > 0 ? putLater(rest) : null
    },
    resize(newCols, newRows) {
      if (!socket.destroyed) terminal.resize(cellsOf(newCols, 80), cellsOf(newRows, 24))
    },
  }
}

/** In the same turn as the check that the terminal is open: its number could name another file by the time a thread gets to it. */
function writeNow(fd: number, piece: Buffer): number | 'gone' {
  try {
    return writeSync(fd, piece)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EAGAIN' ? 0 : 'gone'
  }
}

/** A window of 0 means that the client does not know (RFC 4254 section 6.2). */
function cellsOf(count: number, unknown: number): number {
  return count > 0 ? Math.min(count, 4_096) : unknown
}

function signalName(number: number): string {
  const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0]
  return name?.replace(/^SIG/, '') ?? 'KILL'
}

function internalsOf(terminal: object): Internals {
  const inner = terminal as unknown as Partial<Internals>
  const complete = typeof inner.fd === 'number' && typeof inner._socket?.pause === 'function' && inner._emittedClose === false
  if (!complete) throw new Error('this node-pty is not the one that was looked into')
  return inner as Internals
}
