import type { ServerChannel } from 'ssh2'
import { type ChannelWriter, createChannelWriter, type Transport } from './channel-writer.ts'
import { type Exit, openPty, type Pty, type PtyOptions } from './pty.ts'

/** A shell or the service menu on a pseudo-terminal, tied to an SSH channel. */
export type TerminalOptions = {
  channel: ServerChannel
  transport: Transport
  pty: PtyOptions
  /** What the person at the device sees. */
  show(chunk: Uint8Array): void
  touch(bytes: number): void
}
export type Terminal = {
  resize(cols: number, rows: number): void
  /** Resolves once program, output and channel are through. */
  done: Promise<Exit & { bytes: number }>
}

export function runTerminal({ channel, transport, pty: options, show, touch }: TerminalOptions): Terminal {
  const pty = openPty(options)
  const writer = createChannelWriter(channel, transport)
  // As sshd does: a closed window ends the shell's group; what it left in the background lives until the session ends.
  channel.once('close', () => hangUp(pty.pid))
  feed(channel, pty, touch)
  return { resize: pty.resize, done: deliver(channel, writer, pty, { show, touch }) }
}

/** What is typed, in the turn in which it comes; a program that does not read holds the client back. */
function feed(channel: ServerChannel, pty: Pty, touch: (bytes: number) => void): void {
  channel.on('data', (chunk: Buffer) => {
    touch(chunk.length)
    const taken = pty.write(chunk)
    if (!taken) return
    channel.pause()
    void taken.then(() => channel.resume())
  })
  // The client will type no more: a program that waits for a line hears end of file (Ctrl-D, VEOF).
  channel.once('end', () => void pty.write(Buffer.from([4])))
  // A channel that breaks is closed, and `close` ends the program.
  channel.on('error', () => undefined)
}

async function deliver(channel: ServerChannel, writer: ChannelWriter, pty: Pty, { show, touch }: Pick<TerminalOptions, 'show' | 'touch'>) {
  let bytes = 0
  const exit = await pty.run(async (chunk) => {
    bytes += chunk.length
    touch(chunk.length)
    show(chunk)
    await writer.write(chunk)
  })
  finishChannel(channel, writer, exit)
  return { ...exit, bytes }
}

/** The status before the end, since ssh2 sends none on a stream that was ended; the peer closes last (environment.md). */
export function finishChannel(channel: ServerChannel, writer: ChannelWriter, { code, signal }: Exit): void {
  if (writer.gone) return
  if (signal) channel.exit(signal, false, '')
  else channel.exit(code)
  channel.end()
}

export function hangUp(pid: number): void {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, 'SIGHUP')
    } catch {
      // It is gone, which was the aim.
    }
  }
}
