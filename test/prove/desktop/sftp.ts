import { scriptRows } from '../device-files/scripts.ts'
import type { Proof } from '../proof.ts'

export const sftp: Proof = {
  name: 'sftp',
  title: 'The device’s SFTP door passes OpenSSH’s own tests, but for what it refuses on purpose',
  covers: ['D18', 'T10'],
  method:
    'OpenSSH’s regression scripts for SFTP (`openssh-tests`) run with its own client, first on its own server, then on the device’s, started by `sftp -D` with the root `/`.',
  limits: ['`sftp-chroot.sh` and `sftp-uri.sh`: they try how sshd starts the server that is built into it (`internal-sftp`), and never ask for another one.'],
  run: ({ say }) => scriptRows(say),
}
