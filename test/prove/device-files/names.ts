import { createChance } from '../proof.ts'

/**
 * Names that a hostile device tells, or a hostile client asks for. A lone surrogate U+DC80 to U+DCFF stands for an octet that is no UTF-8 (as in PEP 383), so that every
 * name is a string and the same one on a disk, in a packet and in JSON.
 */
const raw = (...octets: number[]) => octets.map((octet) => String.fromCharCode(0xdc00 + octet)).join('')
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => String.fromCharCode(from + at))

const dots = ['..', '%2e%2e', '%252e%252e', '．．', raw(0xc0, 0xae, 0xc0, 0xae), '..\u0000', '.. ', '\u202e..', '..%00', '..;', '....', '~/..']
const slashes = ['/', '//', '/./', '\\', '%2f', '%5c', '／', '∕', raw(0xc0, 0xaf)]
/** Bidirectional and zero-width marks, line separators, a byte order mark, tags, combining marks. */
const marks = [
  ...'\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2028\u2029\u2060\u2066\u2067\u2068\u2069\ufeff\ufff9\ufffb\u00ad\u0336\u{e0041}',
]
const windows = [
  ...['CON', 'prn.txt', 'aux', 'NUL', 'nul.tar.gz', 'COM1', 'com9.log', 'COM¹', 'LPT1', 'lpt³.txt', 'CONIN$', 'CONOUT$', 'con .txt', 'AUX:', 'COM0', 'clock$'],
  ...[
    'dot.',
    'dots...',
    'space ',
    '. ',
    ' ',
    'file:stream',
    'file::$DATA',
    ':',
    'C:',
    'C:secret',
    'C:\\secret',
    'c:/secret',
    'a<b',
    'a>b',
    'a"b',
    'a|b',
    'a?b',
    'a*b',
  ],
  ...[
    '\\\\server\\share\\x',
    '\\\\?\\C:\\x',
    '\\\\.\\pipe\\x',
    '\\\\.\\PhysicalDrive0',
    '\\??\\C:\\x',
    'LONGNA~1.TXT',
    'desktop.ini',
    'folder.{00021401-0000-0000-c000-000000000046}',
  ],
]
const shells = [
  '~',
  '~root',
  '$HOME/x',
  '`id`',
  '$(id)',
  '-rf',
  '--',
  '*',
  '?',
  '; reboot',
  '& calc',
  '%PATH%',
  '!x',
  '#x',
  '.',
  '..',
  '',
  '...',
  '.gantry-part',
  '..gantry-part',
]

/** 500 different ones (`count`), for a fence around `folder`; the last are drawn by chance from pieces of the others. */
export function hostileNames({ folder, count, seed }: { folder: string; count: number; seed: number }): string[] {
  const chance = createChance(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(chance() * from.length)] as T
  let planted = 0
  const target = () => (planted++ % 2 === 0 ? `planted-${planted}` : 'secret')
  const climb = (dot: string, slash: string, steps: number) => `${`${dot}${slash}`.repeat(steps)}${target()}`
  const absolute = [folder, `/${folder}`, `file://${folder}`, `/.${folder}`, `/proc/self/root${folder}`, `/proc/self/cwd${folder}`, `/proc/1/root${folder}`]
  const names = new Set([
    ...[1, 2, 3, 4, 5, 6].flatMap((steps) => ['/', '//', '/./'].flatMap((slash) => ['..', './..', 'inside/../..'].map((dot) => climb(dot, slash, steps)))),
    ...dots.flatMap((dot) => slashes.map((slash) => climb(dot, slash, 2))),
    ...absolute.flatMap((start) => [`${start}/${target()}`, `${start}/kept/bait`, `${start}/${'../'.repeat(3)}${target()}`]),
    ...['/proc/self/fd/0', '/proc/self/fd/20/../secret', '/proc/self/environ', '/dev/fd/0', '/dev/stdin', '/etc/passwd', '/etc/shadow', '/dev/mem'],
    ...['out-folder', 'out-folder/secret', 'out-folder/kept/bait', `out-folder/${target()}`, 'out-file', 'out-new', 'far', 'far/bait', `far/${target()}`],
    ...['out-folder/three', 'out-folder/root/../secret', 'inside/../out-folder/secret', 'far/../secret', 'out-file/..', 'far/', 'out-new/'],
    ...[...range(0, 0x1f), ...range(0x7f, 0x9f), ...marks].flatMap((mark, at) => [`a${mark}b`, ...(at % 3 === 0 ? [`${mark}../${target()}`] : [])]),
    ...[
      'safe\u0000/../../secret',
      '../secret\u0000.txt',
      'a\n../secret',
      'a\r\n/../../secret',
      '\n',
      '\r',
      'name\nfake  4096 other.txt',
      '\u001b[2J',
      '\u001b]0;x\u0007',
    ],
    ...['x'.repeat(255), 'x'.repeat(256), 'x'.repeat(4_096), 'é'.repeat(127), 'é'.repeat(128), 'é'.repeat(2_048), '/'.repeat(4_090), './'.repeat(2_040)],
    ...[
      `${'../'.repeat(1_300)}secret`,
      `${'x/'.repeat(2_000)}x`,
      `${'x'.repeat(4_080)}/../secret`,
      `${'inside/../'.repeat(300)}../secret`,
      `${'e\u0301'.repeat(1_000)}`,
    ],
    ...[
      raw(0xff),
      raw(0xff, 0xfe),
      `a${raw(0x80)}b`,
      `${raw(0xed, 0xa0, 0x80)}x`,
      `${raw(0xf4, 0x90, 0x80, 0x80)}`,
      '\ud800',
      '\udfffx',
      `..${raw(0xff)}/secret`,
    ],
    ...windows,
    ...shells,
  ])
  const known = [...names]
  const glue = ['', '/', '/../', '\\', '\u0000', '\n', '%2f', '.', ' ', ...marks.slice(0, 12)]
  while (names.size < count) names.add(`${pick(known).slice(0, 200)}${pick(glue)}${pick(known).slice(-200)}`)
  return [...names].slice(0, count)
}

/** As the disk and the packets have it. */
export function octetsOf(name: string): Buffer {
  const octets = [...name].map((character) => {
    const code = character.charCodeAt(0)
    return character.length === 1 && code >= 0xdc80 && code <= 0xdcff ? Buffer.from([code - 0xdc00]) : Buffer.from(character)
  })
  return Buffer.concat(octets)
}
