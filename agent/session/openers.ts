import type { ServerChannel } from 'ssh2'
import { type DeviceFiles } from '../files/device-files.ts'
import { serveSftp } from '../files/sftp-server.ts'
import { createChannelWriter, type Transport } from './channel-writer.ts'
import type { ChannelStart, Openers, Started } from './channels.ts'
import { runExec } from './exec.ts'
import type { PanelTee } from './panel-tee.ts'
import type { Program, Programs } from './programs.ts'
import type { Exit } from './pty.ts'
import type { SessionRecord } from './record.ts'
import { finishChannel, runTerminal } from './terminal.ts'

/** What each kind of channel does once it is allowed: the events around it, and the program or service behind it. */
export type OpenersOptions = {
  transport: Transport
  programs: Programs
  tee: PanelTee
  record: SessionRecord
  files: DeviceFiles | null
  touch(bytes: number): void
  serveAction(channel: ServerChannel): Promise<void>
  serveSession(channel: ServerChannel): Promise<void>
  /** Keeps what runs until it is through, so that the session's last event is its last. */
  track(task: Promise<unknown>): void
}

const cannotStart = 126

export function createOpeners(options: OpenersOptions): Openers {
  const { programs, record, track, serveAction, serveSession } = options
  const background = (task: Promise<unknown>): Started => {
    track(task)
    return {}
  }
  return {
    shell: {
      announce: ({ pty }) => record.write('terminal.opened', { data: { pty: pty !== null } }),
      start: (start) => runProgram(options, programs.shell(start.locale), start, (end) => record.write('terminal.closed', { data: end })),
    },
    menu: {
      announce() {
        record.write('menu.opened')
        record.show('menu', '')
      },
      start: (start) => runProgram(options, programs.menu(start.locale), start, (end) => record.write('terminal.closed', { data: { ...end, menu: true } })),
    },
    exec: {
      announce({ command, pty }) {
        record.write('exec.started', { data: { pty: pty !== null }, private: { command: command.slice(0, 4_000) } })
        record.show('exec', command, { done: false })
      },
      start: (start) =>
        runProgram(options, programs.exec(start.command, start.locale), start, (end) => {
          record.write('exec.finished', { data: end })
          record.show('exec', start.command, { bytes: end.bytes })
        }),
    },
    sftp: {
      announce: () => record.write('sftp.opened'),
      start: ({ channel }) => background(runSftp(options, channel)),
    },
    actions: { announce: () => undefined, start: ({ channel }) => background(serveAction(channel)) },
    session: { announce: () => undefined, start: ({ channel }) => background(serveSession(channel)) },
  }
}

type ProgramEnd = { code: number; bytes: number; signal?: string }

function runProgram(
  { transport, tee, touch, track }: OpenersOptions,
  program: Program,
  { channel, pty }: ChannelStart,
  onEnd: (end: ProgramEnd) => void,
): Started {
  const show = tee.openTerminal()
  const end = ({ code, signal, bytes }: Exit & { bytes: number }) => onEnd({ code, bytes, ...(signal ? { signal } : {}) })
  try {
    if (!pty) {
      track(runExec({ channel, transport, ...program, show, touch }).then(end))
      return {}
    }
    const terminal = runTerminal({ channel, transport, pty: { ...program, ...pty }, show, touch })
    track(terminal.done.then(end))
    return { resize: terminal.resize }
  } catch (error) {
    finishChannel(channel, createChannelWriter(channel, transport), { code: cannotStart, signal: null })
    track(Promise.reject(error))
    end({ code: cannotStart, signal: null, bytes: 0 })
    return {}
  }
}

async function runSftp({ transport, files, touch }: OpenersOptions, channel: ServerChannel): Promise<void> {
  const writer = createChannelWriter(channel, transport)
  try {
    if (!files) throw new Error('a session without files has no SFTP')
    const input = channel.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
    await serveSftp({ input, send: (packet) => writer.write(packet), files, touch })
    finishChannel(channel, writer, { code: 0, signal: null })
  } catch {
    // The form was broken, or the audit could not be written; either way this channel is over.
    finishChannel(channel, writer, { code: 1, signal: null })
  }
}
