import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Roots, settled, watchCpu } from '../cpu.ts'
import { type PeerName, peerWords } from '../peers.ts'
import { connectSftp } from '../sftp.ts'
import { spread } from '../statistics.ts'
import type { Cpu } from '../table.ts'
import { gigabyte, mebibyte, plainFigure, type Row, ratioFigure, requireSame, sayRate } from './row.ts'
import { Series } from './series.ts'

/** The files leg against sftp, one after the other in each round: ours, `-J`, direct, stunnel. `-R` + `-J` moves a file in the row `busy`. */
const directions = ['get', 'put'] as const
const names = ['jump', 'direct', 'stunnel'] as const satisfies PeerName[]
/** The pair does the work of an access server, TLS in and TLS out, and hands the octets over in the clear twice more. */
const stunnels = ['stunnel of the client', 'stunnel of the device']

export const files: Row = {
  name: 'files',
  async run({ options, peers, inMemory, file, say }) {
    const gantry = await inMemory()
    const client = await gantry.echoing()
    const source = file(options.mib)
    const bytes = options.mib * mebibyte
    const onDevice = join(gantry.device.filesRoot, 'source.bin')
    const back = join(source.folder, 'back', 'source.bin')
    const rates = new Series()
    const seconds = new Series()
    const connects: Record<string, number[]> = {}
    const measured = async (key: string, roots: Roots, transfer: () => Promise<number>) => {
      const stop = watchCpu(roots)
      const taken = await transfer()
      const cpu = stop()
      rates.add(key, bytes / taken)
      for (const [name, spent] of Object.entries(cpu)) seconds.add(`${key} ${name}`, spent / (bytes / gigabyte))
    }
    const ours = (direction: 'get' | 'put') => async () => {
      const what = direction === 'put' ? { direction, from: source.path, to: '/' } : { direction, from: '/source.bin', to: dirname(back) }
      return (await client.call('transfer', what)).seconds
    }
    mkdirSync(dirname(back), { recursive: true })
    // The leg, the code and the file on the device are there before the first round.
    await ours('put')()
    for (let round = 0; round < options.rounds; round += 1) {
      for (const direction of directions.toReversed()) {
        await measured(`Gantry ${direction}`, gantry.roots(), ours(direction))
        // The device works out the audit's SHA-256 behind the transfer, at the lowest priority.
        seconds.add(`Gantry ${direction} agent afterwards`, (await settled(gantry.roots().agent)) / (bytes / gigabyte))
        await requireSame(direction === 'put' ? onDevice : back, source.path, `Gantry ${direction}`)
        rmSync(back, { force: true })
        for (const peer of names) {
          if (peers.missing[peer]) continue
          const sftp = await connectSftp(peers.argv(peer))
          try {
            const local = join(source.folder, `${peer}.bin`)
            const transfer = () => (direction === 'get' ? sftp.get(source.path, local) : sftp.put(source.path, local))
            await measured(`${peer} ${direction}`, { ...peers.roots, sftp: sftp.pid }, transfer)
            await requireSame(local, source.path, `${peer} ${direction}`)
            rmSync(local)
          } finally {
            await sftp.close()
          }
          connects[peer] = [...(connects[peer] ?? []), sftp.connectSeconds]
        }
      }
      say(`round ${round + 1}: get ${sayRate(rates.last('Gantry get'))}, put ${sayRate(rates.last('Gantry put'))}`)
    }
    rmSync(onDevice)
    const sumOf = (side: string, [one, other]: readonly string[]) =>
      seconds.of(`${side} ${one}`).map((spent, round) => spent + (seconds.of(`${side} ${other}`)[round] ?? 0))
    const relay = directions.map((direction) => ({ direction, spent: sumOf(`Gantry ${direction}`, ['access server', 'access server 2']) }))
    const dearer = relay.toSorted((a, b) => spread(b.spent).median - spread(a.spent).median)[0] as (typeof relay)[number]
    return {
      figures: [
        ...directions.flatMap((direction) =>
          (['jump', 'direct'] as const).map((peer) => {
            const id = `${direction}-${peer}`
            const missing = peers.missing[peer]
            return missing ? { id, missing } : ratioFigure(id, rates.of(`Gantry ${direction}`), rates.of(`${peer} ${direction}`), sayRate)
          }),
        ),
        plainFigure('relay-cpu', dearer.spent, sayCpu),
        peers.missing.stunnel
          ? { id: 'relay-stunnel', missing: peers.missing.stunnel }
          : ratioFigure('relay-stunnel', dearer.spent, sumOf(`stunnel ${dearer.direction}`, stunnels), sayCpu),
      ],
      samples: { bytesPerSecond: rates.all, connectSeconds: connects, cpuSecondsPerGb: seconds.all },
      cpu: Object.fromEntries(
        directions.map((direction) => [
          `${direction} ${options.mib} MiB`,
          {
            Gantry: partsOf(seconds, `Gantry ${direction} `),
            ...Object.fromEntries(names.filter((peer) => !peers.missing[peer]).map((peer) => [peerWords[peer], partsOf(seconds, `${peer} ${direction} `)])),
          },
        ]),
      ),
    }
  },
}

const sayCpu = (secondsPerGb: number) => `${secondsPerGb.toFixed(2)} s/GB`

function partsOf(seconds: Series, prefix: string): Cpu {
  return Object.fromEntries(
    Object.entries(seconds.all)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, values]) => [key.slice(prefix.length), spread(values).median]),
  )
}
