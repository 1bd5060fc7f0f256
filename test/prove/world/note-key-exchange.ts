import { appendFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import tls, { type TLSSocket } from 'node:tls'

/**
 * Loaded with `--import` into a program that runs as it is: one line in the file `GANTRY_NOTED` for each TLS connection that a process opens, with what its keys were agreed by. Only the end
 * that opens one can say that.
 */
const file = process.env.GANTRY_NOTED
const { connect } = tls
if (file) {
  tls.connect = ((...given: Parameters<typeof connect>) => {
    const socket: TLSSocket = connect(...given)
    socket.once('secureConnect', () => {
      const { name = 'none' } = socket.getEphemeralKeyInfo() as { name?: string }
      const noted = { program: process.argv[1] ?? '', port: socket.remotePort ?? 0, inside: socket.alpnProtocol === 'h2', protocol: socket.getProtocol(), name }
      appendFileSync(file, `${JSON.stringify(noted)}\n`)
    })
    return socket
  }) as typeof connect
  syncBuiltinESMExports()
}
