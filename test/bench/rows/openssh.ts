import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectSftp } from '../sftp.ts'
import { mebibyte, type Row, ratioFigure, requireSame, sayRate } from './row.ts'
import { Series } from './series.ts'

/** The same program on both sides: OpenSSH's `sftp` with a printed configuration of ours, and with `-J`. */
export const openssh: Row = {
  name: 'openssh',
  async run({ options, peers, inMemory, file, say }) {
    if (peers.missing.jump) return { figures: ['sftp-get', 'sftp-put'].map((id) => ({ id, missing: peers.missing.jump ?? '' })), samples: null }
    const gantry = await inMemory()
    const { device, sandbox } = gantry
    const source = await file(options.mib)
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
            rates.add(`${name} put`, (options.mib * mebibyte) / (await sftp.put(source.path, remote)))
            await requireSame(path, source.sha256, `${name} put`)
            rates.add(`${name} get`, (options.mib * mebibyte) / (await sftp.get(remote, back)))
            await requireSame(back, source.sha256, `${name} get`)
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
