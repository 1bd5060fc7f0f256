import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below what Linux hands out to outgoing connections (32768), so that a remembered port is seldom taken by one of those. */
const range = { first: 21_000, last: 31_999 }

/** `preferred` when it is free on loopback, else a free one by chance. `taken` are ports that are spoken for but not open yet. */
export async function choosePort(preferred: number | undefined, taken: Set<number>): Promise<number> {
  for (let tries = 0; tries < 200; tries += 1) {
    const port = tries === 0 && preferred ? preferred : randomInt(range.first, range.last + 1)
    if (taken.has(port) || !(await isFree(port))) continue
    taken.add(port)
    return port
  }
  throw new Error(`no free port between ${range.first} and ${range.last}`)
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const server = createServer()
  server.once('error', () => resolve(false))
  server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  return promise
}
