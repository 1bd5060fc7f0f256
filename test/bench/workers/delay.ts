import { connect, createServer, type Server, type Socket } from 'node:net'
import { serveCalls } from './worker.ts'

/**
 * A fixed delay in each direction on the way to a port, the same for both sides of a ratio. It ends TCP, so slow start, loss and the kernel's windows over a long way are not modelled; rate is not limited, and what is under way is bounded.
 */
const maxUnderWay = 64 * 1_048_576
const servers: Server[] = []

export type DelayCalls = typeof calls
const calls = {
  async forward({ port, oneWayMs }: { port: number; oneWayMs: number }): Promise<{ port: number }> {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
      const far = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
      carry(near, far, oneWayMs)
      carry(far, near, oneWayMs)
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (typeof address !== 'object' || !address) throw new Error('no port')
    return { port: address.port }
  },
}
serveCalls(calls)

function carry(from: Socket, to: Socket, oneWayMs: number): void {
  const queue: { dueMs: number; chunk: Buffer | null }[] = []
  let underWay = 0
  let waiting = false
  const deliver = () => {
    waiting = false
    const nowMs = performance.now()
    to.cork()
    // Timers are of whole milliseconds; a third of one early is nearer than one late.
    while (queue[0] && queue[0].dueMs <= nowMs + 0.3) {
      const chunk = queue.shift()?.chunk
      if (!chunk) to.end()
      else {
        underWay -= chunk.length
        to.write(chunk)
      }
    }
    to.uncork()
    if (underWay < maxUnderWay) from.resume()
    if (queue[0]) wait(queue[0].dueMs)
  }
  const wait = (dueMs: number) => {
    waiting = true
    setTimeout(deliver, Math.max(0, dueMs - performance.now()))
  }
  const add = (chunk: Buffer | null) => {
    queue.push({ dueMs: performance.now() + oneWayMs, chunk })
    if (!waiting) wait(queue[0]?.dueMs ?? 0)
  }
  from.on('data', (chunk: Buffer) => {
    underWay += chunk.length
    if (underWay > maxUnderWay) from.pause()
    add(chunk)
  })
  from.once('end', () => add(null))
  from.on('error', () => to.destroy())
  to.on('error', () => from.destroy())
  from.once('close', () => {
    if (!from.readableEnded) to.destroy()
  })
  from.resume()
}
