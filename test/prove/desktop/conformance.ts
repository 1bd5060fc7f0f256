import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Proof, type Row, row } from '../proof.ts'
import { type Stream, written } from './conformance/cases.ts'
import { type Alone, countAlone, countEqual, type Peer, peers, type Seen } from './conformance/compare.ts'
import { openOwn } from './conformance/own.ts'
import { pyteScreens } from './conformance/pyte.ts'
import { programs, vttest } from './conformance/recorded.ts'
import { openTmux, type Tmux } from './conformance/tmux.ts'

const root = join(import.meta.dirname, '../../..')
const sizes = [
  [80, 24],
  [132, 43],
] as const
const shownStreams = 12
const atOnce = 8

export const conformance: Proof = {
  name: 'conformance',
  title: 'The terminal shows what other terminals show for the same octets',
  covers: ['D19'],
  method:
    'Streams written after the menus of vttest and the manuals of the VT100, VT220 and xterm, and streams recorded at each key of vttest itself (its menus 1, 2 and 8), vim, less, htop, top, mc and dialog at 80 × 24 and 132 × 43, are printed in the window’s terminal as it is set up there (xterm with its options, handlers and widths, without a page), in tmux and in pyte. Cell by cell the characters, bold, italic, underline, inverse and both colours are compared. tmux is asked what it draws in a second tmux, since what it tells of its own cells leaves out the ground that they were erased in; it tells rows and not columns, so widths that it gives otherwise show as cells that differ. pyte is made to know the line-drawing set, which it leaves out where it decodes UTF-8, the bright colours by their number, and to erase cells that nobody wrote to.',
  limits: [
    'Drawing: what is compared is which character with which look is in which cell, not its picture.',
    'The reversal of the whole screen (DECSCNM), which pyte does, and our terminal and tmux do not.',
  ],
  async run({ quick, say }) {
    const folder = mkdtempSync(join(tmpdir(), 'gantry-conformance-'))
    const tmux = openTmux(folder)
    try {
      return rowsOf(await look([...written, ...(await record(tmux, folder, quick, say))], tmux, folder, say))
    } finally {
      tmux.close()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

async function record(tmux: Tmux, folder: string, quick: boolean, say: (line: string) => void): Promise<Stream[]> {
  const streams = await tmux.record(quick ? { ...vttest, keys: vttest.keys.slice(0, 8) } : vttest, 80, 24)
  for (const program of programs(root, folder).slice(0, quick ? 2 : undefined)) {
    for (const [columns, rows] of quick ? sizes.slice(0, 1) : sizes) streams.push(...(await tmux.record(program, columns, rows)))
    say(`${program.name} recorded`)
  }
  return streams
}

async function look(streams: readonly Stream[], tmux: Tmux, folder: string, say: (line: string) => void): Promise<Seen[]> {
  const ownScreen = await openOwn()
  const byPyte = pyteScreens(streams, folder)
  const seen: Seen[] = []
  for (let first = 0; first < streams.length; first += atOnce) {
    const some = streams.slice(first, first + atOnce).map(async (stream, at): Promise<Seen> => {
      const pyte = byPyte[first + at]
      return { stream, own: await ownScreen(stream), tmux: await tmux.screenOf(stream), pyte: typeof pyte === 'string' || !pyte ? null : pyte }
    })
    seen.push(...(await Promise.all(some)))
  }
  say(`${streams.length} streams`)
  return seen
}

function rowsOf(seen: readonly Seen[]): Row[] {
  const groups = [...new Set(seen.map(({ stream }) => stream.group))]
  const alone = countAlone(seen)
  return [
    row('streams', '–', `${seen.length}, ${seen.reduce((sum, { stream }) => sum + Buffer.byteLength(stream.octets), 0)} octets`, null),
    ...peers.map((peer) => whole(seen, peer)),
    row('cells in which tmux and pyte agree and ours differs', '≤ 1 %', shareOf(alone.own, seen), alone.own <= countEqual(seen, 'tmux').cells / 100),
    row(
      'cells in which pyte stands alone; tmux; three say three things',
      '–',
      [alone.pyte, alone.tmux, alone.none].map((count) => shareOf(count, seen)).join('; '),
      null,
    ),
    ...groups.map((group) =>
      groupRow(
        group,
        seen.filter(({ stream }) => stream.group === group),
      ),
    ),
    ...worst(seen),
  ]
}

function whole(seen: readonly Seen[], peer: Peer): Row {
  const { cells, equal, drawn, equalDrawn } = countEqual(seen, peer)
  const broken = seen.filter((one) => one[peer] === null).length
  const found = `${percent(equal, cells)} of ${cells}; of the ${drawn} that are not empty ${percent(equalDrawn, drawn)}${broken > 0 ? `; it broke on ${broken} streams` : ''}`
  return row(`equal to ${peer}`, '≥ 99 %', found, equal / cells >= 0.99)
}

function groupRow(group: string, seen: readonly Seen[]): Row {
  const [tmux, pyte] = peers.map((peer) => countEqual(seen, peer)).map(({ equal, cells }) => percent(equal, cells))
  return row(`${group}, ${seen.length} screens`, '–', `tmux ${tmux}, pyte ${pyte}${verdict(countAlone(seen))}`, null)
}

/** The streams on which ours stands alone most. */
function worst(seen: readonly Seen[]): Row[] {
  return seen
    .map((one) => ({ one, alone: countAlone([one]) }))
    .filter(({ alone }) => alone.own + alone.none > 0)
    .sort((a, b) => b.alone.own + b.alone.none - a.alone.own - a.alone.none)
    .slice(0, shownStreams)
    .map(({ one: { stream }, alone }) => row(`${stream.group}: ${stream.name}`, '–', `cells${verdict(alone)}`, null))
}

function verdict({ own, tmux, pyte, none }: Alone): string {
  const parts = [own && `ours alone ${own}`, tmux && `tmux alone ${tmux}`, pyte && `pyte alone ${pyte}`, none && `three differ ${none}`].filter(Boolean)
  return parts.length > 0 ? `; ${parts.join(', ')}` : ''
}

function shareOf(count: number, seen: readonly Seen[]): string {
  return `${count} (${percent(count, countEqual(seen, 'tmux').cells)})`
}

function percent(part: number, of: number): string {
  return of === 0 ? '–' : `${((100 * part) / of).toFixed(2)} %`
}
