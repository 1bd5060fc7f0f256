import { expect } from 'vitest'
import { openEventStream, type ServerSentEvent } from '../../shared/node/api-client.ts'
import type { TestServer } from './main-server.ts'
import { proverOf } from './sign-in-browser.ts'

/** A specialist's stream of updates; resolves once it is open, and ends with what it puts into `stops`. */
export async function listen(
  server: Pick<TestServer, 'origin' | 'dial'>,
  accessToken: string,
  stops: (() => void)[],
): Promise<{ events: ServerSentEvent[]; ended: Promise<unknown>; next(name: string, fits?: (data: never) => boolean): Promise<ServerSentEvent> }> {
  const events: ServerSentEvent[] = []
  const stop = new AbortController()
  stops.push(() => stop.abort())
  const open = Promise.withResolvers<void>()
  const stream = openEventStream({
    origin: server.origin,
    path: '/api/v1/updates',
    dial: server.dial,
    ...proverOf(accessToken),
    signal: stop.signal,
    onOpen: open.resolve,
  })
  const ended = (async () => {
    for await (const event of stream) events.push(event)
  })().catch((error: unknown) => error)
  await Promise.race([open.promise, ended])
  return {
    events,
    ended,
    async next(name, fits = () => true) {
      const find = () => events.find((one) => one.event === name && fits(one.data as never))
      await expect.poll(find, { timeout: 10_000 }).toBeDefined()
      return find() as ServerSentEvent
    },
  }
}
