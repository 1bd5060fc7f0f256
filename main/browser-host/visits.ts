import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

const maxVisits = 8

/**
 * Who may use the window. A link's key is good once; it buys a cookie, which lives as long as the host. Both are 256 bits of chance and are kept
 * here only as hashes, so that comparing them takes the same time whatever is sent.
 */
export type Visits = {
  /** A fresh key; the one before it, if unused, is dead. */
  newKey(): string
  /** The cookie's value for a key that is good, which is dead from then on; null for any other. */
  exchange(key: string): string | null
  knows(cookieHeader: string | undefined): boolean
  cookieName: string
}

export function createVisits(random: (bytes: number) => Buffer = randomBytes): Visits {
  const cookieName = `gantry-${random(6).toString('hex')}`
  let key: Buffer | null = null
  const cookies: Buffer[] = []
  return {
    cookieName,
    newKey() {
      const fresh = random(32).toString('base64url')
      key = digest(fresh)
      return fresh
    },
    exchange(sent) {
      const isGood = key !== null && timingSafeEqual(key, digest(sent))
      if (!isGood) return null
      key = null
      const value = random(32).toString('base64url')
      cookies.push(digest(value))
      if (cookies.length > maxVisits) cookies.shift()
      return value
    },
    knows(header) {
      const values = (header ?? '').split(';').flatMap((pair) => {
        const [name, value] = pair.trim().split('=', 2)
        return name === cookieName && value !== undefined ? [digest(value)] : []
      })
      return values.some((value) => cookies.some((cookie) => timingSafeEqual(cookie, value)))
    },
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
