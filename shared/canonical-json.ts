/**
 * JSON Canonicalization Scheme (RFC 8785): one text for one value, so that a hash over the text covers the value and every byte of the text is determined.
 * Keys sort by UTF-16 code units (section 3.2.3); numbers and strings are what ECMAScript's JSON.stringify writes (3.2.2).
 * Throws a TypeError for what JSON cannot carry exactly: undefined, functions, NaN, infinities, lone surrogates.
 */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

export function canonicalJson(value: unknown): string {
  if (value === null || value === true || value === false) return String(value)
  if (typeof value === 'number') return numberText(value)
  if (typeof value === 'string') return stringText(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`
  if (typeof value === 'object') return objectText(value as Record<string, unknown>)
  throw new TypeError(`not JSON: ${typeof value}`)
}

function objectText(value: Record<string, unknown>): string {
  let text = ''
  for (const key of Object.keys(value).sort()) {
    const member = value[key]
    // A key that is there but undefined is the same as no key: optional members of our schemas are written so.
    if (member === undefined) continue
    text += `${text ? ',' : ''}${stringText(key)}:${canonicalJson(member)}`
  }
  return `{${text}}`
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError('not JSON: a number that is not finite')
  return JSON.stringify(value)
}

function stringText(value: string): string {
  // RFC 8785 section 3.2.2.2: a lone surrogate must be an error, or two writers could disagree on the bytes.
  if (!value.isWellFormed()) throw new TypeError('not JSON: a lone surrogate')
  return JSON.stringify(value)
}
