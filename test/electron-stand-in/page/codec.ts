/**
 * What structured clone carries, as a text: a table of objects and, in it, references, so that cycles and shared objects survive. Each function stands alone,
 * since its source is what runs in the page.
 */
export function encode(root: unknown): string {
  const table: unknown[] = []
  const seen = new Map<object, number>()
  const bytesOf = (view: Uint8Array) => Array.from(view, (byte) => String.fromCharCode(byte)).join('')
  const refused = () => new DOMException('An object could not be cloned.', 'DataCloneError')
  const describe = (value: object): unknown[] => {
    if (Array.isArray(value)) return ['array', value.length, ...value.map(put)]
    if (value instanceof Date) return ['date', value.getTime()]
    if (value instanceof RegExp) return ['regexp', value.source, value.flags]
    if (value instanceof Map) return ['map', ...[...value].flatMap(([key, one]) => [put(key), put(one)])]
    if (value instanceof Set) return ['set', ...[...value].map(put)]
    if (value instanceof Error) return ['error', value.name, value.message]
    if (value instanceof ArrayBuffer) return ['buffer', bytesOf(new Uint8Array(value))]
    if (ArrayBuffer.isView(value)) return ['bytes', bytesOf(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))]
    if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet) throw refused()
    return ['object', ...Object.entries(value).flatMap(([key, one]) => [key, put(one)])]
  }
  const put = (value: unknown): unknown => {
    if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
    if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0) ? value : { number: Object.is(value, -0) ? '-0' : String(value) }
    if (value === undefined) return { undefined: true }
    if (typeof value === 'bigint') return { bigint: String(value) }
    if (typeof value !== 'object') throw refused()
    const known = seen.get(value)
    if (known !== undefined) return { at: known }
    const at = table.push(null) - 1
    seen.set(value, at)
    table[at] = describe(value)
    return { at }
  }
  const start = put(root)
  return JSON.stringify({ start, table })
}

export function decode(text: string): unknown {
  const { start, table } = JSON.parse(text) as { start: unknown; table: [string, ...unknown[]][] }
  const made = new Map<number, unknown>()
  const bytes = (letters: unknown) => Uint8Array.from(String(letters), (letter) => letter.charCodeAt(0))
  const errors: Record<string, ErrorConstructor> = { TypeError, RangeError, SyntaxError, ReferenceError }
  const take = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value
    if ('at' in value) return make(value.at as number)
    if ('number' in value) return Number(value.number)
    if ('bigint' in value) return BigInt(value.bigint as string)
    return undefined
  }
  const keep = <T>(at: number, one: T): T => {
    made.set(at, one)
    return one
  }
  const make = (at: number): unknown => {
    if (made.has(at)) return made.get(at)
    const [kind, ...parts] = table[at] as [string, ...unknown[]]
    if (kind === 'date') return keep(at, new Date(parts[0] as number))
    if (kind === 'regexp') return keep(at, new RegExp(parts[0] as string, parts[1] as string))
    if (kind === 'buffer') return keep(at, bytes(parts[0]).buffer)
    if (kind === 'bytes') return keep(at, bytes(parts[0]))
    if (kind === 'error') return keep(at, new (errors[parts[0] as string] ?? Error)(parts[1] as string))
    if (kind === 'array') {
      const list = keep(at, [] as unknown[])
      for (const part of parts.slice(1)) list.push(take(part))
      return list
    }
    if (kind === 'set') {
      const set = keep(at, new Set())
      for (const part of parts) set.add(take(part))
      return set
    }
    const map = kind === 'map' ? keep(at, new Map()) : null
    const object = map ? {} : keep(at, {})
    for (let one = 0; one < parts.length; one += 2) {
      if (map) map.set(take(parts[one]), take(parts[one + 1]))
      else Object.defineProperty(object, parts[one] as string, { value: take(parts[one + 1]), writable: true, enumerable: true, configurable: true })
    }
    return map ?? object
  }
  return take(start)
}
