import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'

/** As it is, in hexadecimal, base64 (both alphabets) and UTF-16. */
export function formsOf(canary: string | Buffer): Buffer[] {
  const octets = Buffer.from(canary)
  // Base64 has three ways to begin; the ends that depend on neighbours are cut off.
  const base64 = [0, 1, 2].flatMap((shift) => {
    const shifted = Buffer.concat([Buffer.alloc(shift, 'x'), octets])
    return (['base64', 'base64url'] as const).map((alphabet) => shifted.toString(alphabet).slice(shift === 0 ? 0 : 4, -4))
  })
  const texts = [octets.toString('hex'), ...new Set(base64)]
  return [octets, ...texts.map((text) => Buffer.from(text)), ...(typeof canary === 'string' ? [Buffer.from(canary, 'utf16le')] : [])]
}

/** proc(5): every readable mapping but the kernel's own, in pieces that overlap. */
export function searchMemory(pid: number, forms: Buffer[]): { found: number; bytes: number } {
  const overlap = 256
  const piece = Buffer.alloc(4_194_304)
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  let [found, bytes] = [0, 0]
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const [, from, to, name = ''] = /^([0-9a-f]+)-([0-9a-f]+) r\S* \S+ \S+ \S+\s*(.*)$/.exec(line) ?? []
    if (!from || !to || ['[vvar]', '[vsyscall]', '[vvar_vclock]'].includes(name)) continue
    const end = Number.parseInt(to, 16)
    for (let at = Number.parseInt(from, 16); at < end; at += piece.length - overlap) {
      const length = read(memory, piece, { at, length: Math.min(piece.length, end - at) })
      bytes += length
      const seen = piece.subarray(0, length)
      for (const form of forms) if (seen.includes(form)) found += 1
    }
  }
  closeSync(memory)
  return { found, bytes }
}

function read(file: number, into: Buffer, { at, length }: { at: number; length: number }): number {
  try {
    return readSync(file, into, 0, length, at)
  } catch {
    // A mapping without a page behind it.
    return 0
  }
}

export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}
