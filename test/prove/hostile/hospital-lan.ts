import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { type LanTask, mdns } from './reach-api.ts'

/** The hospital's own machines, all of them in one process: every port answers at whichever address it is asked. `node hospital-lan.ts TASK`, in JSON; a line when it stands. */
const { ports, own } = JSON.parse(process.argv[2] ?? '') as LanTask

for (const port of ports) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.end('hospital\n')
  })
  await new Promise<void>((resolve) => server.listen({ port, host: '0.0.0.0', backlog: 1_024 }, resolve))
}
const names = createSocket({ type: 'udp4', reuseAddr: true })
names.on('message', (_question, from) => names.send('hospital', from.port, from.address))
await new Promise<void>((resolve) => names.bind(mdns.port, resolve))
names.addMembership(mdns.group, own)
console.log('ready')
