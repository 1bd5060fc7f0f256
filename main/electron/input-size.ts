/** More than the largest input that a schema of `shared/ipc.ts` admits (`transfer.start`: 1,001 paths of 4,096 characters). */
export const maxInputSize = 5_000_000
const perValue = 16

export type InputVerdict = 'fits' | 'too-large' | 'not-plain'

/**
 * Looks at what the window sent before any schema does: its characters, and 16 for every value and key, so that many small ones count, too. It stops as soon as
 * it knows, so a flood or a cycle costs no more than `maxSize`. Only what JSON could say is plain; structured clone would carry maps, errors and buffers as well.
 */
export function judgeInput(input: unknown, maxSize: number = maxInputSize): InputVerdict {
  const waiting: unknown[] = [input]
  let size = 0
  for (let value = waiting.pop(); ; value = waiting.pop()) {
    size += perValue
    if (typeof value === 'string') size += value.length
    else if (typeof value === 'object' && value !== null) {
      const children = childrenOf(value)
      if (!children) return 'not-plain'
      size += children.keyCharacters
      if (size + perValue * (waiting.length + children.values.length) > maxSize) return 'too-large'
      for (const child of children.values) waiting.push(child)
    } else if (value !== null && value !== undefined && typeof value !== 'boolean' && !Number.isFinite(value)) return 'not-plain'
    if (size > maxSize) return 'too-large'
    if (waiting.length === 0) return 'fits'
  }
}

function childrenOf(value: object): { values: unknown[]; keyCharacters: number } | null {
  if (Array.isArray(value)) return { values: value, keyCharacters: 0 }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return null
  const keys = Object.keys(value)
  return { values: Object.values(value), keyCharacters: keys.reduce((sum, key) => sum + key.length, 0) }
}
