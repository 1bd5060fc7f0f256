import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { settled } from '../cpu.ts'
import { connectSftp } from '../sftp.ts'
import { mebibyte, type Row, ratioFigure, requireSame, sayRate } from './row.ts'
import { Series } from './series.ts'

/** The same program on both sides: OpenSSH's `sftp` with a printed configuration of ours, and with `-J`. A quarter of the file says as much. */
const share = 4
export const openssh: Row = {
  name: 'openssh',
  async run({ options, peers, inMemory, file, say }) {
    if (peers.missing.jump) return { figures: ['sftp-get', 'sftp-put'].map((id) => ({ id, missing: peers.missing.jump ?? '' })), samples: null }
    const gantry = await inMemory()
    const { device, sandbox } = gantry
    const mib = Math.ceil(options.mib / share)
    const source = file(mib)
    const printed = await sandbox.gantry('ssh-config', device.id, '--access', 'os', '--reason', 'Bench', '--case', 'bench')
    if (printed.code !== 0) throw new Error(printed.stderr)
    const config = join(source.folder, 'gantry_config')
    writeFileSync(config, printed.stdout)
    const back = join(source.folder, 'back.bin')
    const rates = new Series()
    const sides = {
      Gantry: { argv: ['-F', config, device.id], remote: 'bench.bin', path: join(device.filesRoot, 'bench.bin') },
      jump: { argv: peers.argv('jump'), remote: join(source.folder, 'jump.bin'), path: join(source.folder, 'jump.bin') },
    }
    // The first connection asks the device, and keeps the session open for those that follow.
    const [first] = await Promise.all([connectSftp(sides.Gantry.argv), gantry.press()])
    try {
      for (let round = 0; round < options.rounds; round += 1) {
        for (const [name, { argv, remote, path }] of Object.entries(sides)) {
          const sftp = await connectSftp(argv)
          try {
            rates.add(`${name} put`, (mib * mebibyte) / (await sftp.put(source.path, remote)))
            await requireSame(path, source.path, `${name} put`)
            rates.add(`${name} get`, (mib * mebibyte) / (await sftp.get(remote, back)))
            await requireSame(back, source.path, `${name} get`)
            await settled(gantry.roots().agent)
          } finally {
            await sftp.close()
          }
          rmSync(path)
          rmSync(back)
        }
        say(
          `round ${round + 1}: ${Object.keys(rates.all)
            .map((key) => `${key} ${sayRate(rates.last(key))}`)
            .join(', ')}`,
        )
      }
    } finally {
      await first.close()
    }
    return {
      figures: (['get', 'put'] as const).map((direction) =>
        ratioFigure(`sftp-${direction}`, rates.of(`Gantry ${direction}`), rates.of(`jump ${direction}`), sayRate),
      ),
      samples: { bytesPerSecond: rates.all },
    }
  },
}
