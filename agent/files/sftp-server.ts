import type { Stats } from 'node:fs'
import { AppError, type ErrorCode } from '@gantry/shared/errors.ts'
import type { DeviceFiles } from './device-files.ts'
import type { ListedEntry } from './listing.ts'
import { resolveText, showPath } from './names.ts'
import type { OpenFile } from './open-file.ts'
import { longName } from './sftp-long-name.ts'
import { BadPacket, handleOf, openFlag, PacketReader, packets, readPackets, request, type Status, sftpLimits, status } from './sftp-packet.ts'

/**
 * The SFTP door (version 3, with OpenSSH's extensions that make it whole). Answers leave in the order of the requests; reads and writes that follow
 * one another overlap, everything else waits its turn, so that what a client sees is what it would see if nothing overlapped.
 */
export type SftpOptions = {
  input: AsyncIterable<Buffer>
  /** Resolves when there is room for more; rejects when the channel is gone. */
  send(packet: Buffer): Promise<void>
  files: DeviceFiles
  /** Told of every octet that moves, for the idle clock. */
  touch(bytes: number): void
}

const extensions = {
  'posix-rename@openssh.com': '1',
  'statvfs@openssh.com': '2',
  'fstatvfs@openssh.com': '2',
  'fsync@openssh.com': '1',
  'limits@openssh.com': '1',
}
const maxOverlapping = 16
const namesPerAnswer = 100

/** `end` is where the next write of a handle opened for appending goes, wherever the client says; null for other handles. */
type FileHandle = { kind: 'file'; file: OpenFile; path: string; end: number | null }
/** `next` was read ahead, to know at `opendir` whether the folder can be listed. */
type FolderHandle = { kind: 'folder'; entries: AsyncGenerator<ListedEntry, void, void>; next: IteratorResult<ListedEntry, void>; path: string }
type Handle = FileHandle | FolderHandle

/** Runs until the client closes; whatever it left open is closed and recorded. Rejects with `BadPacket` when it breaks the form. */
export async function serveSftp(options: SftpOptions): Promise<void> {
  const handles = new Map<number, Handle>()
  const session: Session = { ...options, handles, lastHandle: 0 }
  const overlapping = new Set<Promise<void>>()
  let sent: Promise<void> = Promise.resolve()
  let sort: number | null = null
  try {
    for await (const data of readPackets(options.input)) {
      if (data.readUInt8(0) === request.init) {
        await options.send(packets.version(extensions))
        continue
      }
      const packet = new PacketReader(data)
      options.touch(data.length)
      const overlaps = packet.type === request.read || packet.type === request.write
      // Reads overlap reads and writes overlap writes; a read after a write must see it.
      if (!overlaps || sort !== packet.type) await sent
      sort = packet.type
      const answer = respond(session, packet)
      sent = Promise.all([answer, sent]).then(([octets]) => options.send(octets))
      sent.catch(() => undefined)
      const one: Promise<void> = sent.finally(() => overlapping.delete(one))
      one.catch(() => undefined)
      overlapping.add(one)
      if (overlapping.size >= maxOverlapping) await Promise.race(overlapping)
    }
    await sent
  } finally {
    await Promise.allSettled(overlapping)
    for (const handle of handles.values()) await closeHandle(session, handle, 'cut').catch(() => undefined)
  }
}

type Session = SftpOptions & { handles: Map<number, Handle>; lastHandle: number }

async function respond(session: Session, packet: PacketReader): Promise<Buffer> {
  try {
    const act = requests[packet.type]
    if (!act) return packets.status(packet.id, status.unsupported, 'unsupported')
    return await act(session, packet)
  } catch (error) {
    if (error instanceof BadPacket) return packets.status(packet.id, status.badMessage, 'bad message')
    const code = error instanceof AppError ? error.code : 'internal'
    return packets.status(packet.id, statuses[code] ?? status.failure, code)
  }
}

const statuses: Partial<Record<ErrorCode, Status>> = {
  'file.not-found': status.noSuchFile,
  'file.denied': status.permissionDenied,
  'file.outside-root': status.permissionDenied,
  'file.direction-closed': status.permissionDenied,
  'file.path-closed': status.permissionDenied,
  'file.restricted': status.permissionDenied,
  'file.name-not-allowed': status.permissionDenied,
}

type Act = (session: Session, packet: PacketReader) => Promise<Buffer> | Buffer

const requests: Record<number, Act> = {
  [request.open]: openFile,
  [request.close]: async (session, packet) => {
    const number = handleOf(packet.octets())
    const handle = session.handles.get(number)
    if (!handle) throw new AppError('file.not-found')
    session.handles.delete(number)
    await closeHandle(session, handle, 'done')
    return done(packet)
  },
  [request.read]: async (session, packet) => {
    const { file } = fileHandle(session, packet)
    const position = packet.uint64()
    const data = await file.read(Math.min(packet.uint32(), sftpLimits.maxDataBytes), position)
    session.touch(data.length)
    return data.length > 0 ? packets.data(packet.id, data) : packets.status(packet.id, status.eof, 'end of file')
  },
  [request.write]: async (session, packet) => {
    const handle = fileHandle(session, packet)
    const asked = packet.uint64()
    const octets = packet.octets()
    const position = handle.end ?? asked
    if (handle.end !== null) handle.end += octets.length
    await handle.file.write(octets, position)
    return done(packet)
  },
  [request.stat]: async (session, packet) => packets.attributes(packet.id, await session.files.stat(packet.text(), 'follow')),
  [request.lstat]: async (session, packet) => packets.attributes(packet.id, await session.files.stat(packet.text(), 'keep')),
  [request.fstat]: async (session, packet) => packets.attributes(packet.id, await fileHandle(session, packet).file.stat()),
  [request.setstat]: async (session, packet) => {
    const path = packet.text()
    await session.files.setAttributes(path, ownerless(session, path, packet))
    return done(packet)
  },
  [request.fsetstat]: async (session, packet) => {
    const { file, path } = fileHandle(session, packet)
    const { mode, size, accessedSeconds, modifiedSeconds } = ownerless(session, path, packet)
    if (size !== undefined) await file.truncate(size)
    if (mode !== undefined) await file.setMode(mode)
    if (modifiedSeconds !== undefined) await file.setTimes(accessedSeconds ?? modifiedSeconds, modifiedSeconds)
    return done(packet)
  },
  [request.opendir]: async (session, packet) => {
    const path = packet.text()
    requireRoom(session)
    const entries = session.files.list(path)
    return remember(session, packet, { kind: 'folder', path, entries, next: await entries.next() })
  },
  [request.readdir]: readFolder,
  [request.remove]: async (session, packet) => {
    await session.files.remove(packet.text(), 'file')
    return done(packet)
  },
  [request.rmdir]: async (session, packet) => {
    await session.files.remove(packet.text(), 'folder')
    return done(packet)
  },
  [request.mkdir]: async (session, packet) => {
    const path = packet.text()
    await session.files.makeFolder(path, packet.attributes().mode)
    return done(packet)
  },
  [request.rename]: async (session, packet) => {
    const from = packet.text()
    await session.files.rename(from, packet.text(), { replace: false })
    return done(packet)
  },
  [request.realpath]: (_session, packet) => {
    const path = resolveText(showPath(packet.text()))
    return packets.names(packet.id, [{ name: path, longName: path, stat: null }])
  },
  [request.readlink]: async (session, packet) => {
    const target = await session.files.readLink(packet.text())
    return packets.names(packet.id, [{ name: target, longName: target, stat: null }])
  },
  // A link could be made to point out of the root later on; nothing that a service visit needs wants one.
  [request.symlink]: (session, packet) => session.files.refuse(packet.text(), 'symlink', 'file.denied'),
  [request.extended]: (session, packet) => {
    const name = packet.text()
    const act = Object.hasOwn(extended, name) ? extended[name] : undefined
    return act ? act(session, packet) : packets.status(packet.id, status.unsupported, 'unsupported')
  },
}

const extended: Record<string, Act> = {
  'posix-rename@openssh.com': async (session, packet) => {
    const from = packet.text()
    await session.files.rename(from, packet.text(), { replace: true })
    return done(packet)
  },
  'statvfs@openssh.com': (session, packet) => fileSystem(session, packet, packet.text()),
  'fstatvfs@openssh.com': (session, packet) => {
    const handle = session.handles.get(handleOf(packet.octets()))
    if (!handle) throw new AppError('file.not-found')
    return fileSystem(session, packet, handle.path)
  },
  'fsync@openssh.com': async (session, packet) => {
    await fileHandle(session, packet).file.sync()
    return done(packet)
  },
  'limits@openssh.com': (_session, packet) => {
    const { maxPacketBytes, maxDataBytes, maxHandles } = sftpLimits
    return packets.extended(packet.id, [maxPacketBytes, maxDataBytes, maxDataBytes, maxHandles].map(BigInt))
  },
}

async function openFile(session: Session, packet: PacketReader): Promise<Buffer> {
  const path = packet.text()
  const flags = packet.uint32()
  const { mode } = packet.attributes()
  const has = (flag: number) => (flags & flag) !== 0
  requireRoom(session)
  const write = has(openFlag.write) || has(openFlag.append)
  const file = await session.files.open(path, {
    read: has(openFlag.read) || !write,
    write,
    create: has(openFlag.create),
    exclusive: has(openFlag.exclusive),
    ...(mode === undefined ? {} : { mode }),
  })
  if (write && has(openFlag.truncate)) await file.truncate(0)
  const end = has(openFlag.append) ? (await file.stat()).size : null
  return remember(session, packet, { kind: 'file', file, path, end })
}

function requireRoom({ handles }: Session): void {
  if (handles.size >= sftpLimits.maxHandles) throw new AppError('file.failed', { details: { reason: 'EMFILE' } })
}

function remember(session: Session, packet: PacketReader, handle: Handle): Buffer {
  session.lastHandle += 1
  session.handles.set(session.lastHandle, handle)
  return packets.handle(packet.id, session.lastHandle)
}

function fileHandle(session: Session, packet: PacketReader): FileHandle {
  const handle = session.handles.get(handleOf(packet.octets()))
  if (handle?.kind !== 'file') throw new AppError('file.not-found')
  return handle
}

function ownerless(session: Session, path: string, packet: PacketReader) {
  const { owner, ...attributes } = packet.attributes()
  if (owner) session.files.refuse(path, 'set-owner', 'file.denied')
  return attributes
}

async function readFolder(session: Session, packet: PacketReader): Promise<Buffer> {
  const handle = session.handles.get(handleOf(packet.octets()))
  if (handle?.kind !== 'folder') throw new AppError('file.not-found')
  const names: { name: string; longName: string; stat: Stats }[] = []
  while (names.length < namesPerAnswer && !handle.next.done) {
    const { name, stat } = handle.next.value
    names.push({ name, longName: longName(name, stat), stat })
    handle.next = await handle.entries.next()
  }
  session.touch(names.length)
  return names.length > 0 ? packets.names(packet.id, names) : packets.status(packet.id, status.eof, 'end of folder')
}

async function fileSystem({ files }: Session, packet: PacketReader, path: string): Promise<Buffer> {
  const space = await files.space(path)
  const numbers = [space.bsize, space.bsize, space.blocks, space.bfree, space.bavail, space.files, space.ffree, space.ffree, 0, 0, 255]
  return packets.extended(
    packet.id,
    numbers.map((value) => BigInt(Math.trunc(value))),
  )
}

/** One event per file and direction, with what was moved. */
async function closeHandle({ files }: Session, handle: Handle, how: 'done' | 'cut'): Promise<void> {
  if (handle.kind === 'folder') {
    await handle.entries.return()
    return
  }
  const { file, path } = handle
  const { read, written } = await file.close(how)
  if (written) await files.moved('sent', path, written)
  if (read.bytes > 0 || (!written && read.whole)) await files.moved('received', path, read)
}

function done(packet: PacketReader): Buffer {
  return packets.status(packet.id, status.ok, 'ok')
}
