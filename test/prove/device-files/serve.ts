import { once } from 'node:events'
import { openDeviceFiles } from '../../../agent/files/device-files.ts'
import { serveSftp } from '../../../agent/files/sftp-server.ts'

/** The device's SFTP door on standard input and output, as `sftp -D` starts a server: `serve.ts ROOT [-R]`. `-R`: nothing goes to the device. Other flags of OpenSSH's server are passed over. */
const [root = '', ...flags] = process.argv.slice(2)

const rules = { toDevice: !flags.includes('-R'), fromDevice: true, maxFileBytes: 1024 ** 4 }
const files = await openDeviceFiles({ root, account: null, rules, record: () => undefined })
await serveSftp({
  input: process.stdin,
  files,
  touch: () => undefined,
  async send(packet) {
    if (!process.stdout.write(packet)) await once(process.stdout, 'drain')
  },
})
await files.close()
