/** Counts connections that are not admitted yet, so that strangers cannot use up what sessions need. */
export type OpeningLimits = {
  /** False when there is no room; else the place must be given back with `leave`, once. */
  enter(address: string): boolean
  leave(address: string): void
  /** True when nobody can enter, from whatever address. */
  isFull(): boolean
}

export function createOpeningLimits({ maxOpening, maxOpeningPerAddress }: { maxOpening: number; maxOpeningPerAddress: number }): OpeningLimits {
  const perAddress = new Map<string, number>()
  let all = 0
  return {
    isFull: () => all >= maxOpening,
    enter(address) {
      const same = perAddress.get(address) ?? 0
      if (all >= maxOpening || same >= maxOpeningPerAddress) return false
      all += 1
      perAddress.set(address, same + 1)
      return true
    },
    leave(address) {
      const left = (perAddress.get(address) ?? 1) - 1
      all -= 1
      if (left > 0) perAddress.set(address, left)
      else perAddress.delete(address)
    },
  }
}

/** One IPv6 customer has a whole /64 (RFC 6177), so that is what counts as one address. An IPv4 address may come in IPv6 clothes. */
export function addressGroup(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  if (!plain.includes(':')) return plain
  const [head = '', tail = ''] = plain.split('%')[0]?.split('::') ?? []
  const start = head ? head.split(':') : []
  const end = tail ? tail.split(':') : []
  const filled = [...start, ...Array<string>(Math.max(0, 8 - start.length - end.length)).fill('0'), ...end]
  return filled.slice(0, 4).join(':')
}
