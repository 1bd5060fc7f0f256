import { clientNameRows } from '../device-files/names-on-client.ts'
import { deviceNameRows } from '../device-files/names-on-device.ts'
import { raceRows } from '../device-files/races.ts'
import { scriptRows } from '../device-files/scripts.ts'
import type { Proof } from '../proof.ts'

const nameCount = 500

export const sftp: Proof = {
  name: 'sftp',
  title: 'The device’s files keep to OpenSSH’s own tests, and neither names nor links lead out of a chosen folder, on the device or on the computer',
  covers: ['D18', 'T10'],
  method:
    'OpenSSH’s regression scripts for SFTP (`openssh-tests`) run with its own client, first on its own server, then on the device’s, started by `sftp -D` with the root `/`. Then a root lies deep in folders whose names, contents and times are marked and compared after each step; both doors (SFTP in a process of its own, asked packet by packet; the files leg over TLS and HTTP/2) are asked for names that climb, encode, deceive, break lines, hold NUL, are too long or no UTF-8, and for what is swapped: by a process that exchanges a folder and a file for links that lead out, in one system call each (`file.failed`: seen as a link and a folder again when the link was read). The client’s own transfers fetch all that a lying device lists. What is measured is measured on a careless server and client first.',
  limits: [
    '`sftp-chroot.sh` and `sftp-uri.sh`: they try how sshd starts the server that is built into it (`internal-sftp`), and never ask for another one.',
    'Windows and macOS as the computer that fetches: by the rules for names alone.',
  ],
  run: async ({ quick, seed, say }) => [
    ...(await scriptRows(say)),
    ...(await deviceNameRows({ count: nameCount, seed, say })),
    ...(await raceRows({ count: quick ? 1_000 : 10_000, say })),
    ...(await clientNameRows({ count: nameCount, seed, say })),
  ],
}
