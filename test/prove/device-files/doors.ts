import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { answer, openFlag, PacketReader, readPackets, request, status } from '../../../agent/files/sftp-packet.ts'
import { string as sftpText, uint32 } from '../../../cli/ssh-config/ssh-wire.ts'
import { answerHead, bodyOf, openFilesLeg } from '../../../main/services/sessions/files-leg.ts'
import { createRunningCheck } from '../../../shared/node/running-check.ts'
import { newNonce } from '../../../shared/node/signing.ts'
import { openTestDeviceFiles } from '../../support/device-files.ts'
import { sftpPacket } from '../../support/sftp-packets.ts'
import { octetsOf } from './names.ts'

/** A way to the device's files in the hands of somebody who keeps to nothing: what is asked goes out as it is, and everything that comes back is kept. */
export type Door = {
  name: string
  list(path: string): Promise<Told>
  get(path: string): Promise<Told>
  put(path: string, octets: Buffer): Promise<Told>
  rename(from: string, to: string): Promise<Told>
  stat(path: string): Promise<Told>
  remove(path: string): Promise<Told>
  makeFolder(path: string): Promise<Told>
  removeFolder(path: string): Promise<Told>
  /** SFTP alone has it. */
  setMode?(path: string, mode: number): Promise<Told>
  close(): Promise<void>
}
/** `code`: `ok`, or why not, as the device says it. */
export type Told = { code: string; octets: Buffer; names: string[] }

const none = uint32(0)
const zero = Buffer.alloc(8)
const readBytes = 65_536

/** The SFTP door in a process of its own (`serve.ts`), asked packet by packet. */
export async function openSftpDoor(root: string): Promise<Door> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'serve.ts'), root], { stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = readPackets(child.stdout)
  let id = 0
  const next = async (): Promise<Buffer> => {
    const { value } = await answers.next()
    if (!value) throw new Error('the SFTP server ended')
    return value
  }
  const ask = async (type: number, ...fields: Buffer[]): Promise<Told & { handle: Buffer | null }> => {
    id += 1
    child.stdin.write(sftpPacket(type, id, ...fields))
    const octets = await next()
    const packet = new PacketReader(octets)
    if (packet.id !== id) throw new Error(`an answer to request ${packet.id} instead of ${id}`)
    const isStatus = packet.type === answer.status
    const code = isStatus && packet.uint32() !== status.ok ? packet.text() : 'ok'
    return { code, octets, names: packet.type === answer.name ? namesOf(packet) : [], handle: packet.type === answer.handle ? packet.octets() : null }
  }
  const use = async (opened: Told & { handle: Buffer | null }, act: (handle: Buffer) => Promise<Told>): Promise<Told> => {
    if (!opened.handle) return opened
    const handle = sftpText(opened.handle)
    const told = await act(handle)
    await ask(request.close, handle)
    return told
  }
  const open = (path: Buffer, flags: number) => ask(request.open, path, uint32(flags), none)
  const at = (path: string) => sftpText(octetsOf(path))
  child.stdin.write(Buffer.concat([uint32(5), Buffer.from([request.init]), uint32(3)]))
  await next()
  return {
    name: 'SFTP',
    list: async (path) =>
      use(await ask(request.opendir, at(path)), async (handle) => {
        const parts: Told[] = []
        for (let part = await ask(request.readdir, handle); part.code === 'ok'; part = await ask(request.readdir, handle)) parts.push(part)
        return { code: 'ok', octets: Buffer.concat(parts.map(({ octets }) => octets)), names: parts.flatMap(({ names }) => names) }
      }),
    get: async (path) => use(await open(at(path), openFlag.read), (handle) => ask(request.read, handle, zero, uint32(readBytes))),
    put: async (path, octets) =>
      use(await open(at(path), openFlag.write | openFlag.create | openFlag.truncate), (handle) => ask(request.write, handle, zero, sftpText(octets))),
    rename: (from, to) => ask(request.rename, at(from), at(to)),
    stat: (path) => ask(request.stat, at(path)),
    remove: (path) => ask(request.remove, at(path)),
    makeFolder: (path) => ask(request.mkdir, at(path), none),
    removeFolder: (path) => ask(request.rmdir, at(path)),
    setMode: (path, mode) => ask(request.setstat, at(path), uint32(4), uint32(mode)),
    async close() {
      child.stdin.end()
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

/** The names of a listing and their long forms. */
function namesOf(packet: PacketReader): string[] {
  const names: string[] = []
  for (let left = packet.uint32(); left > 0; left -= 1) {
    names.push(packet.text(), packet.text())
    packet.attributes()
  }
  return names
}

/** The files leg, without the checks that the client makes before it asks. */
export async function openLegDoor(root: string): Promise<Door> {
  const device = await openTestDeviceFiles({}, { root })
  const leg = await openFilesLeg(device.join, { patienceMs: 20_000, onSilent: () => undefined })
  const ask = async (name: string, input: object, body?: Buffer): Promise<Told> => {
    const headers = { ':path': `/${name}`, 'gantry-input': Buffer.from(JSON.stringify(input)).toString('base64url') }
    const stream = leg.request(headers, { hasBody: body !== undefined })
    // What is refused before its body was read is reset after the answer.
    if (body) stream.end(body)
    const head = await answerHead(stream, undefined)
    const failure = head['gantry-failure']
    const code = failure === undefined ? 'ok' : String((JSON.parse(Buffer.from(String(failure), 'base64url').toString()) as { code: unknown }).code)
    const output = Buffer.from(String(head['gantry-output'] ?? ''), 'base64url')
    const octets = Buffer.concat([output, await buffer(bodyOf(stream, undefined)).catch(() => Buffer.alloc(0))])
    return { code, octets, names: [] }
  }
  const at = (path: string) => (path.startsWith('/') ? path : `/${path}`)
  return {
    name: 'files leg',
    async list(path) {
      const told = await ask('files.list', { path: at(path) })
      if (told.code !== 'ok') return told
      const { entries } = JSON.parse(told.octets.subarray(told.octets.indexOf('{"entries"')).toString()) as { entries: { name: string }[] }
      return { ...told, names: entries.map(({ name }) => name) }
    },
    get: (path) => ask('files.read', { path: at(path), offset: 0 }),
    /** Straight under the name, then the client's way: another name, and the right one with the commit. */
    async put(path, octets) {
      const straight = await ask('files.write', { path: at(path), offset: 0, check: newNonce() }, octets)
      const [check, from] = [newNonce(), '/inside/.part']
      const tag = createRunningCheck(check)
      tag.add(octets, 0)
      await ask('files.write', { path: from, offset: 0, check }, octets)
      const committed = await ask('files.commit', { from, to: at(path), check, tag: tag.tag(), replace: true })
      return { ...committed, octets: Buffer.concat([straight.octets, committed.octets]) }
    },
    rename: (from, to) => ask('files.rename', { from: at(from), to: at(to) }),
    stat: (path) => ask('files.stat', { path: at(path) }),
    remove: (path) => ask('files.delete', { path: at(path) }),
    makeFolder: (path) => ask('files.make-folder', { path: at(path) }),
    removeFolder: (path) => ask('files.delete', { path: at(path) }),
    async close() {
      leg.close()
      await device.close()
    },
  }
}
