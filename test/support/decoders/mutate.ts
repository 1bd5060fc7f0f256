import { createChance } from '../../prove/proof.ts'
import type { Example } from './decoder.ts'

/**
 * One input out of examples: bits flipped, cut, joined, doubled, numbers where a length may stand, and, where the text is JSON (or a compact JWS of it), what JSON can say that
 * nobody expects. Some inputs are nothing but chance, and a few are left as they were.
 */
type Chance = { below(limit: number): number; oneOf<T>(all: readonly T[]): T; bytes(length: number): Buffer }
type Change = (bytes: Buffer, chance: Chance, examples: readonly Example[]) => Buffer

export const maxInputBytes = 400_000

export function mutate(examples: readonly Example[], seed: number): Example {
  const chance = chanceOf(seed)
  const { kind, bytes } = chance.oneOf(examples)
  const way = chance.below(100)
  if (way < 2) return { kind, bytes }
  if (way < 5) return { kind, bytes: chance.bytes(chance.below(chance.oneOf([16, 300, 5_000]))) }
  let changed = bytes
  for (let times = chance.oneOf([1, 1, 1, 2, 3, 8]); times > 0; times -= 1)
    changed = chance.oneOf(changesFor(changed))(changed, chance, examples).subarray(0, maxInputBytes)
  return { kind, bytes: changed }
}

function chanceOf(seed: number): Chance {
  const next = createChance(seed)
  const below = (limit: number) => Math.floor(next() * limit)
  return { below, oneOf: (all) => all[below(all.length)] as never, bytes: (length) => Buffer.from(Array.from({ length }, () => below(256))) }
}

function changesFor(bytes: Buffer): Change[] {
  const first = bytes[0]
  const isJson = first === 0x7b || first === 0x5b
  const isJws = bytes.length < 100_000 && /^[\w-]+\.[\w-]*\.[\w-]+\s*$/.test(bytes.toString('latin1'))
  return [...onBytes, ...(isJson ? [...onJson, ...onJson, ...onJson] : []), ...(isJws ? [onSegment, onSegment, onSegment, onSegment] : [])]
}

const boundaries = [0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x3_ffff, 0x4_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]
const pieces = [
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    '{"__proto__":{"a":1}}',
    '\r\n',
    '\r\n\r\n',
    '\n\n',
    '\u0000',
    '..',
    '/../',
    '%00',
    '%2e%2e',
  ],
  ...['\ufeff', '\u202e', '\\ud800', '\\u0000', '1e999', '-0', '9007199254740993', '"', '\\', '{', '}', '[', ']', ',', ':', ';', '=', '.', '"a":', ' ', '\t'],
].map((text) => Buffer.from(text))
/** No UTF-8: a lone continuation, an overlong slash, a surrogate, beyond Unicode, a cut sequence. */
const notUtf8 = ['80', 'c0af', 'eda080', 'f4908080', 'e282', 'ff', 'fe'].map((hex) => Buffer.from(hex, 'hex'))

const splice = (bytes: Buffer, from: number, to: number, put: Buffer) => Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(to)])
const range = (bytes: Buffer, chance: Chance): [number, number] => {
  const from = chance.below(bytes.length + 1)
  return [from, Math.min(bytes.length, from + chance.below(chance.oneOf([2, 8, 64, 1_000])))]
}

const onBytes: Change[] = [
  function flip(bytes, chance) {
    const copy = Buffer.from(bytes)
    for (let times = chance.oneOf([1, 1, 2, 8]); times > 0 && copy.length > 0; times -= 1) {
      const at = chance.below(copy.length)
      copy[at] = (copy[at] ?? 0) ^ (1 << chance.below(8))
    }
    return copy
  },
  (bytes, chance) => bytes.subarray(0, chance.below(bytes.length + 1)),
  (bytes, chance) => splice(bytes, ...range(bytes, chance), Buffer.alloc(0)),
  (bytes, chance) => {
    const [from, to] = range(bytes, chance)
    return splice(bytes, from, from, bytes.subarray(from, to))
  },
  (bytes, chance, examples) => {
    const other = chance.oneOf(examples).bytes
    return Buffer.concat([bytes.subarray(0, chance.below(bytes.length + 1)), other.subarray(chance.below(other.length + 1))])
  },
  (bytes, chance) => splice(bytes, ...range(bytes, chance), chance.oneOf(pieces)),
  (bytes, chance) => {
    const at = chance.below(bytes.length + 1)
    return splice(bytes, at, at, chance.oneOf([...pieces, ...notUtf8, chance.bytes(chance.below(20))]))
  },
  (bytes, chance) => {
    const at = chance.below(bytes.length + 1)
    return splice(bytes, at, at, Buffer.alloc(chance.oneOf([100, 1_000, 70_000, 270_000]), chance.oneOf([...pieces, Buffer.from('a'), Buffer.from([0])])))
  },
  function number(bytes, chance) {
    const size = chance.oneOf([1, 2, 4, 6])
    if (bytes.length < size) return bytes
    const copy = Buffer.from(bytes)
    copy.writeUIntBE(chance.oneOf(boundaries) % 2 ** (8 * size), chance.below(copy.length - size + 1), size)
    return copy
  },
  (bytes, chance) => {
    const [from, to] = range(bytes, chance)
    return splice(bytes, from, to, Buffer.from(bytes.subarray(from, to)).reverse())
  },
]

const oddValues: readonly (() => string)[] = [
  ...[
    'null',
    'true',
    '0',
    '-1',
    '-0',
    '1.5',
    '1e999',
    '-1e999',
    '1e308',
    '9007199254740993',
    '4294967296',
    '""',
    '"\\ud800"',
    '"\\u0000"',
    '"\\u202e"',
    '[]',
    '{}',
  ].map((text) => () => text),
  ...[
    '"__proto__"',
    '"constructor"',
    '[null]',
    '{"":0}',
    '{"__proto__":{"a":1}}',
    '{"constructor":{"prototype":{"a":1}}}',
    '{"length":4294967295}',
    '{"toString":null}',
  ].map((text) => () => text),
  () => '9'.repeat(400),
  () => `"${'a'.repeat(70_000)}"`,
  () => `"${'é'.repeat(5_000)}"`,
  () => '['.repeat(6_000) + ']'.repeat(6_000),
  () => '{"a":'.repeat(6_000) + '0'.concat('}'.repeat(6_000)),
  () => `[${'0,'.repeat(30_000)}0]`,
]
const oddKeys = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', 'toJSON', 'length', '', '0', '\\ud800', 'a'.repeat(300)]
const here = '"@here@"'

type Container = Record<string, unknown> | unknown[]

const onJson: Change[] = [
  (bytes, chance) => inJson(bytes, chance, (container, key) => put(container, key, '@here@'), chance.oneOf(oddValues)()),
  (bytes, chance) =>
    inJson(bytes, chance, (container, key) => (Array.isArray(container) ? container.splice(Number(key), 1) : Reflect.deleteProperty(container, key)), ''),
  (bytes, chance) => {
    const text = `"${chance.oneOf(oddKeys)}":${chance.oneOf(oddValues)()}`
    return inJson(bytes, chance, (container) => !Array.isArray(container) && put(container, '@here@', 0), text, '"@here@":0')
  },
  function twice(bytes, chance) {
    let text = ''
    const doubled = (container: Container, key: string) => {
      if (Array.isArray(container)) return
      text = `${JSON.stringify(key)}:${chance.oneOf(oddValues)()}`
      put(container, '@here@', 0)
    }
    return inJson(bytes, chance, doubled, () => text, '"@here@":0')
  },
  (bytes, chance) =>
    inJson(bytes, chance, (container, key) => Array.isArray(container) && container.push(...copiesOf(container[Number(key)], chance.oneOf([1, 3, 600]))), ''),
  (bytes, chance) => inJson(bytes, chance, (container, key) => put(container, key, valueIn(container, chance)), ''),
]

/** As many as an input has room for: 600 of something long would be the memory of what makes inputs, not of what reads them. */
function copiesOf(value: unknown, times: number): unknown[] {
  const bytes = Buffer.byteLength(JSON.stringify(value) ?? '')
  return Array.from({ length: Math.min(times, Math.ceil(maxInputBytes / (bytes + 1))) }, () => value)
}

function put(container: Container, key: string, value: unknown): void {
  Object.defineProperty(container, key, { value, enumerable: true, configurable: true, writable: true })
}

/** Of the same object, so that it has a chance of fitting. */
function valueIn(container: Container, chance: Chance): unknown {
  const values = Object.values(container)
  return values.length > 0 ? chance.oneOf(values) : null
}

/** Changes one place of the value, then writes it; `text` takes the place of the mark, since JSON.stringify would never write it. */
function inJson(bytes: Buffer, chance: Chance, change: (container: Container, key: string) => unknown, text: string | (() => string), mark = here): Buffer {
  const places: [Container, string][] = []
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    collect(value, places, 0)
    if (places.length === 0) return bytes
    change(...chance.oneOf(places))
    const written = JSON.stringify(value)
    return Buffer.from(written.replaceAll(mark, () => (typeof text === 'string' ? text : text())))
  } catch {
    // An earlier change left no JSON, or one too deep to be written.
    return bytes
  }
}

function collect(value: unknown, places: [Container, string][], depth: number): void {
  if (typeof value !== 'object' || value === null || depth > 12 || places.length > 2_000) return
  for (const [key, member] of Object.entries(value)) {
    places.push([value as Container, key])
    collect(member, places, depth + 1)
  }
}

/** Into a segment of a compact JWS, which is encoded again. */
function onSegment(bytes: Buffer, chance: Chance, examples: readonly Example[]): Buffer {
  const segments = bytes.toString('latin1').trim().split('.')
  const at = chance.below(segments.length)
  const inside = Buffer.from(segments[at] ?? '', 'base64url')
  const isJson = inside[0] === 0x7b
  segments[at] = chance
    .oneOf(isJson ? onJson : onBytes)(inside, chance, examples)
    .toString('base64url')
  return Buffer.from(segments.join('.'))
}
