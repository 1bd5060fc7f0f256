import { AppError } from '../../../shared/errors.ts'
import { mutate } from './mutate.ts'

/** Something as the product's own encoders write it, and as what it is to be read. */
export type Example = { kind: string; bytes: Buffer }
/** A decoder of the product, as it stands at a border. */
export type Decoder = {
  examples: readonly Example[]
  /**
   * Returns what came of it in a word: `accepted`, or why not where the product says so without throwing. Throws what the product throws: an `AppError` is a refusal by its code,
   * anything else, and `internal`, is a fault.
   */
  decode(bytes: Buffer, kind: string): unknown
  close?(): unknown
}

export type Feed = {
  seed: number
  /** Whichever comes first. */
  inputs: number
  forMs: number
  /** What takes longer is a fault. */
  slowMs?: number
  /** Milliseconds, monotonic; the real ones otherwise. */
  now?: () => number
  /** Told of each input before it is decoded, for whoever has to say which one never came to an end. */
  onInput?: (index: number) => void
}
export type Fault = { index: number; kind: string; what: string }
export type Told = {
  inputs: number
  /** How often each word came. */
  outcomes: Record<string, number>
  /** The first few; `faultCount` are all. */
  faults: Fault[]
  faultCount: number
  slowestMs: number
}

const keptFaults = 10
const settleEvery = 32

/** Feeds a decoder what chance makes of its examples. One seed gives one row of changes, so that a fault can be had again by its index, up to the keys and names that the examples drew. */
export async function feed(
  { examples, decode }: Decoder,
  { seed, inputs, forMs, slowMs = Number.POSITIVE_INFINITY, now = () => performance.now(), onInput }: Feed,
): Promise<Told> {
  const told: Told = { inputs: 0, outcomes: {}, faults: [], faultCount: 0, slowestMs: 0 }
  let kind = ''
  const fault = (what: string) => {
    told.faultCount += 1
    if (told.faults.length < keptFaults) told.faults.push({ index: told.inputs, kind, what })
  }
  const late = (error: unknown) => fault(`nobody caught: ${textOf(error)}`)
  process.on('uncaughtException', late).on('unhandledRejection', late)
  const before = sharedMembers()
  const endMs = now() + forMs
  try {
    for (; told.inputs < inputs && now() < endMs; told.inputs += 1) {
      const input = inputAt(examples, seed, told.inputs)
      kind = input.kind
      onInput?.(told.inputs)
      const beganMs = now()
      const outcome = await outcomeOf(() => decode(input.bytes, kind), fault)
      const tookMs = now() - beganMs
      told.slowestMs = Math.max(told.slowestMs, tookMs)
      if (tookMs > slowMs) fault(`took ${Math.round(tookMs)} ms`)
      told.outcomes[outcome] = (told.outcomes[outcome] ?? 0) + 1
      if (isChanged(before)) {
        fault('changed a prototype')
        break
      }
      // Whatever was left hanging comes out here, and is told of an input near by.
      if (told.inputs % settleEvery === 0) await new Promise(setImmediate)
    }
    await new Promise(setImmediate)
  } finally {
    process.off('uncaughtException', late).off('unhandledRejection', late)
  }
  return told
}

export function inputAt(examples: readonly Example[], seed: number, index: number): Example {
  return mutate(examples, seed * 1_000_003 + index)
}

async function outcomeOf(decode: () => unknown, fault: (what: string) => void): Promise<string> {
  try {
    const outcome = decode()
    return String(outcome instanceof Promise ? await outcome : outcome)
  } catch (error) {
    if (error instanceof AppError && error.code !== 'internal') return error.code
    fault(textOf(error))
    return 'fault'
  }
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const place = error.stack?.split('\n').find((line) => line.includes('at ')) ?? ''
  return `${error.name}: ${error.message.slice(0, 200)}${place ? `, ${place.trim().replace(/file:.*\/(?=[^/]+\/[^/]+\/[^/]+$)/, '')}` : ''}`
}

/** Whatever an input could leave on what every object shares. */
function sharedMembers(): PropertyDescriptor[][] {
  return [Object.prototype, Array.prototype, Function.prototype].map((shared) =>
    Reflect.ownKeys(shared).map((key) => ({ ...Reflect.getOwnPropertyDescriptor(shared, key) })),
  )
}

function isChanged(before: PropertyDescriptor[][]): boolean {
  return sharedMembers().some((members, at) => {
    const old = before[at] ?? []
    return (
      members.length !== old.length ||
      members.some(({ value, get, set }, place) => value !== old[place]?.value || get !== old[place]?.get || set !== old[place]?.set)
    )
  })
}
