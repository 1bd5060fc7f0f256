export type Group = { tries: string; sequences: readonly (readonly [what: string, octets: string | Uint8Array])[] }

export function osc(body: string): string {
  return `\u001b]${body}\u0007`
}
