import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { readUntil } from '../../shared/node/read-until.ts'

export type CuttingProxy = { address: string; received(): number /** Connections that wait. */; held(): number; close(): Promise<void> }

/**
 * An HTTP proxy (CONNECT, RFC 9110 section 9.3.6) that cuts a connection once so many octets came down it; each of `cuts` counts once, in turn, for the connection that first brings so many.
 * In place of being cut it is held: nothing comes any more, until whoever asked gives up.
 */
export async function startCuttingProxy(cuts: number[], { hold = false } = {}): Promise<CuttingProxy> {
  const left = [...cuts]
  const open = new Set<Socket>()
  const held = new Set<Socket>()
  let received = 0
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => open.delete(socket))
    void serve(socket).catch(() => socket.destroy())
  })
  const serve = async (socket: Socket) => {
    const head = (await readUntil(socket, '\r\n\r\n', { maxBytes: 8_192 })).toString('latin1')
    const [, host = '', port = ''] = /^CONNECT ([^ :]+):(\d+) /.exec(head) ?? []
    const up = connect({ host, port: Number(port) })
    open.add(up)
    up.on('error', () => socket.destroy())
    up.on('close', () => socket.destroy())
    socket.on('close', () => up.destroy())
    await once(up, 'connect')
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    let seen = 0
    up.on('data', (block: Buffer) => {
      seen += block.length
      received += block.length
      if (seen > (left[0] ?? Number.POSITIVE_INFINITY)) {
        left.shift()
        if (!hold) return socket.destroy()
        held.add(socket)
        socket.on('close', () => held.delete(socket))
        up.unpipe(socket).pause()
      }
    })
    up.pipe(socket)
    socket.pipe(up)
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: () => received,
    held: () => held.size,
    async close() {
      for (const socket of open) socket.destroy()
      server.close()
    },
  }
}
