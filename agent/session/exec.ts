import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ServerChannel } from 'ssh2'
import { type ChannelWriter, createChannelWriter, type Transport } from './channel-writer.ts'
import type { Exit } from './pty.ts'
import { finishChannel, hangUp } from './terminal.ts'

/** A program without a terminal: standard output and error apart, end of file both ways, its own exit status. rsync and `scp -O` live on this. */
export type ExecOptions = {
  channel: ServerChannel
  transport: Transport
  file: string
  args: string[]
  cwd: string
  env: Record<string, string>
  show(chunk: Uint8Array): void
  touch(bytes: number): void
}

export function runExec({ channel, transport, file, args, cwd, env, show, touch }: ExecOptions): Promise<Exit & { bytes: number }> {
  // A group of its own, so that it can be ended as a whole.
  const child = spawn(file, args, { cwd, env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
  const writer = createChannelWriter(channel, transport)
  channel.once('close', () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) hangUp(child.pid)
    child.stdout.destroy()
    child.stderr.destroy()
  })
  void feed(channel, child, touch)
  return deliver(channel, writer, child, { show, touch })
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>

async function feed(channel: ServerChannel, child: Child, touch: (bytes: number) => void): Promise<void> {
  const input = channel.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
  await pipeline(async function* typed() {
    for await (const chunk of input) {
      touch(chunk.length)
      yield chunk
    }
  }, child.stdin).catch(() => {
    // The program reads no more. What still comes is taken and dropped, or the client's window would fill and stop the channel.
    channel.resume()
  })
}

async function deliver(channel: ServerChannel, writer: ChannelWriter, child: Child, { show, touch }: Pick<ExecOptions, 'show' | 'touch'>) {
  let bytes = 0
  const drain = async (stream: Readable, to: 'stdout' | 'stderr') => {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length
      touch(chunk.length)
      show(readable(chunk))
      await writer.write(chunk, to)
    }
  }
  const ended = new Promise<Exit>((resolve) => {
    child.once('error', () => resolve({ code: 127, signal: null }))
    child.once('exit', (code, signal) => resolve({ code: code ?? 255, signal: signal?.replace(/^SIG/, '') ?? null }))
  })
  await Promise.allSettled([drain(child.stdout, 'stdout'), drain(child.stderr, 'stderr')])
  const exit = await ended
  finishChannel(channel, writer, exit)
  return { ...exit, bytes }
}

/** For the panel: without a terminal an output may be anything, such as a file for rsync; only text is worth showing. */
function readable(chunk: Buffer): Buffer {
  const text = Buffer.from(chunk)
  for (const [index, octet] of text.entries()) {
    if ((octet < 32 && octet !== 9 && octet !== 10 && octet !== 13) || octet === 127) text[index] = 46
  }
  return text
}
