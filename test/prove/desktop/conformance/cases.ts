/** A stream of octets as a program writes it; a terminal's screen after it is compared. */
export type Stream = { group: string; name: string; octets: string; columns: number; rows: number }

const csi = '\u001b['
const ruler = (columns: number) => Array.from({ length: columns }, (_, at) => String((at + 1) % 10)).join('')
const lines = (count: number) => Array.from({ length: count }, (_, at) => `line ${at + 1} ${'abcdefghij'.repeat(3)}`).join('\r\n')
const page = lines(24)
const at = (row: number, column: number) => `${csi}${row};${column}H`

/** After the menus of vttest, the VT100 and VT220 manuals and xterm's "Control Sequences"; written for 80 columns and 24 rows. */
const cases: Record<string, Record<string, string>> = {
  cursor: {
    'corners and beyond': `${at(1, 1)}A${at(1, 80)}B${at(24, 1)}C${at(24, 80)}D${at(99, 40)}E${at(0, 0)}F`,
    'up, down, left, right, clamped': `${at(12, 40)}*${csi}3A^${csi}2B<${csi}10D>${csi}5C+${csi}999A1${csi}999B2${csi}999D3${csi}999C4`,
    'next and previous line, column, row': `${at(5, 5)}a${csi}2Eb${csi}Fc${csi}30Gd${csi}9de${csi}40\`f${csi}3ag${csi}2eh`,
    'index, reverse index, next line': `${page}${at(1, 3)}\u001bMtop${at(24, 3)}\u001bDbottom${at(10, 70)}\u001bEnext`,
    'saved and restored with its look': `${at(4, 4)}${csi}1;31m\u001b7${at(20, 20)}${csi}0;32mgreen\u001b8bold red${csi}0m${csi}s${at(10, 1)}x${csi}uend`,
    'backspace, return, tab, vertical tab, form feed': 'abcdef\b\b\bX\rY\tZ\u000bvt\u000cff\u0007\u0000end',
    'a control inside a sequence': `A${csi}2\bCB${csi}\r3CD${csi}1\u000b;5HE`,
  },
  regions: {
    'scrolled by lines': `${page}${csi}5;10r${at(10, 1)}one\r\ntwo\r\nthree\r\nfour`,
    'scrolled back by reverse index': `${page}${csi}5;10r${at(5, 1)}\u001bMa\r\u001bMb`,
    'scrolled by number': `${page}${csi}3;20r${csi}4S${at(1, 1)}${csi}6;12r${csi}2T`,
    'lines put in and taken out': `${page}${csi}4;15r${at(6, 1)}${csi}3L*${at(12, 1)}${csi}2M+${at(20, 1)}${csi}2L-`,
    'origin mode': `${page}${csi}8;14r${csi}?6h${at(1, 1)}first${at(99, 5)}last${csi}?6l${at(1, 1)}home`,
    'cursor outside': `${page}${csi}5;10r${at(24, 1)}\n\n\nbelow${at(1, 1)}\u001bM\u001bMabove`,
    'one that is none': `${page}${csi}10;5r${at(24, 1)}\r\nlast`,
    'index at both edges': `${page}${csi}2;23r${at(23, 1)}\u001bD\u001bDx${at(2, 1)}\u001bM\u001bMy`,
  },
  editing: {
    'characters put in': `${ruler(80)}${at(1, 10)}${csi}5@${at(2, 1)}${ruler(80)}${at(2, 70)}${csi}99@`,
    'characters taken out': `${ruler(80)}${at(1, 10)}${csi}5P${at(2, 1)}${ruler(80)}${at(2, 70)}${csi}99P`,
    'characters erased': `${ruler(80)}${at(1, 10)}${csi}5X${at(2, 1)}${ruler(80)}${at(2, 70)}${csi}99X`,
    'insert mode': `${ruler(80)}${at(1, 10)}${csi}4hinserted${csi}4lover`,
    'lines put in and taken out': `${page}${at(5, 1)}${csi}3L${at(15, 1)}${csi}2M${at(24, 1)}${csi}9M`,
    'taken out with a colour': `${page}${csi}44m${at(3, 5)}${csi}10P${at(4, 5)}${csi}10@${at(5, 5)}${csi}10X${at(7, 1)}${csi}2M${at(9, 1)}${csi}2L`,
    'the last character again': `ab${csi}10b|${csi}31mx${csi}3b`,
    'erased below': `${page}${at(12, 20)}${csi}J`,
    'erased above': `${page}${at(12, 20)}${csi}1J`,
    'erased whole': `${page}${at(12, 20)}${csi}2Jx`,
    'line erased each way': `${page}${at(5, 10)}${csi}K${at(6, 10)}${csi}1K${at(7, 10)}${csi}2K`,
    'erased with a colour': `${page}${csi}42m${at(5, 10)}${csi}K${at(6, 10)}${csi}1K${at(20, 10)}${csi}J`,
    'screen full of E': `${csi}3;9r\u001b#8${at(2, 2)}x`,
  },
  tabs: {
    'as they are': '\tA\tB\tC\r\n1\t2\t3\r\n1234567\tx\r\n12345678\ty',
    'set and cleared': `${csi}3g${at(1, 5)}\u001bH${at(1, 20)}\u001bH${at(1, 1)}\tA\tB\tC${at(2, 5)}${csi}g${at(3, 1)}\tD`,
    'forward and back by number': `${csi}3Ia${csi}2Zb${csi}99Ic${csi}99Zd`,
    'up to the margin': '\t\t\t\t\t\t\t\t\t\t\t\tend\r\nx',
  },
  wrapping: {
    on: `${ruler(80)}${ruler(80)}end`,
    off: `${csi}?7l${ruler(80)}XYZ\r\n${csi}?7h${ruler(80)}W`,
    'pending, then return': `${ruler(80)}\rA`,
    'pending, then back': `${ruler(80)}\bA`,
    'pending, then moved': `${ruler(80)}${csi}1AA${at(2, 1)}${ruler(80)}${csi}KB`,
    'pending over a look': `${ruler(79)}${csi}7mA${csi}0mB`,
    'at the bottom': `${page}${at(24, 75)}0123456789`,
    'pending, then a tab': `${ruler(80)}\tA`,
  },
  looks: {
    each: [1, 3, 4, 7, 22, 23, 24, 27].map((look) => `${csi}${look}m ${look} `).join('text'),
    'bold with inverse, partly taken back': `${csi}1;7;4mA${csi}22mB${csi}27mC${csi}24mD${csi}mE`,
    'sixteen colours': Array.from({ length: 8 }, (_, one) => `${csi}${30 + one}mf${csi}${90 + one}mF${csi}39;${40 + one}mb${csi}${100 + one}mB${csi}49m`).join(
      '',
    ),
    '256 colours': Array.from({ length: 256 }, (_, one) => `${csi}38;5;${one}mx${csi}48;5;${255 - one}my`).join(''),
    'colours of 24 bits': Array.from({ length: 40 }, (_, one) => `${csi}38;2;${one * 6};10;${255 - one}mx${csi}48;2;9;${one * 5};1my`).join(''),
    'default colours': `${csi}31;44mA${csi}39mB${csi}49mC${csi}0;35m${csi}mD`,
    'empty and zero': `${csi}1;mA${csi};31mB${csi}00;01mC`,
  },
  screens: {
    'to the other one and back (1049)': `${page}${csi}?1049hother${at(5, 5)}x${csi}?1049lback`,
    'on the other one (1049)': `${csi}?1049h${csi}2J${at(1, 1)}${page}`,
    'to the other one and back (47)': `${at(3, 3)}main${csi}?47h${csi}2J${at(9, 9)}other${csi}?47lback`,
    'the other one is empty again': `${csi}?1049h${page}${csi}?1049l${csi}?1049hx`,
    'soft reset': `${csi}5;10r${csi}4h${csi}?6h${csi}1;31m${csi}!p${at(1, 1)}plain\b\b\bX`,
    'full reset': `${page}${csi}5;10r${csi}31m${csi}?7l\u001bcfresh`,
  },
  'character sets': {
    'line drawing by G0': '\u001b(0lqqqwqqqk\r\nx   x   x\r\nmqqqvqqqj\u001b(B lq',
    'line drawing by G1': '\u001b)0a\u000eabcdefghijklmnopqrstuvwxyz{|}~\u000fb',
    'saved with the cursor': '\u001b(0\u001b7q\u001b(Bq\u001b8q\u001b(Bq',
    'UTF-8 of each length': 'é ñ ß Ω Ж ا € “ ” │ ┌ █ ▒ ✓ 𝄞 𝒜',
  },
  wide: {
    'a line of them': '中文字符測試 日本語 한국어\r\nａｂｃ１２３',
    'one that does not fit at the margin': `${ruler(79)}中end`,
    'the first half overwritten': `中文字${at(1, 3)}X`,
    'the second half overwritten': `中文字${at(1, 4)}X`,
    'put in and taken out in the midst': `中文字符${at(1, 3)}${csi}1@${at(2, 1)}中文字符${at(2, 3)}${csi}1P${at(3, 1)}中文字符${at(3, 3)}${csi}2P`,
    'erased from the midst': `中文字符${at(1, 4)}${csi}K${at(2, 1)}中文字符${at(2, 4)}${csi}1K`,
    marks: 'e\u0301 a\u0308 o\u0302\u0323 n\u0303|中\u0301|\u0e01\u0e34|end',
    'marks at the margin': `${ruler(79)}e\u0301x`,
    'Korean by parts': '\u1112\u1161\u11ab\u1100\u1173\u11af|end',
  },
  emoji: {
    plain: '😀😎🚀🎉|end',
    'with a variation': '❤️|☀️|✔️|☎︎|end',
    'with a skin': '👍🏽|👩🏿|end',
    joined: '👨‍👩‍👧‍👦|👩‍💻|🏳️‍🌈|end',
    flags: '🇨🇦🇫🇷|🇯🇵|end',
    keycaps: '1️⃣2️⃣#️⃣|end',
    'new ones': '🥹🫠🪿🫨|end',
  },
}

export const written: readonly Stream[] = Object.entries(cases).flatMap(([group, named]) =>
  Object.entries(named).map(([name, octets]) => ({ group, name, octets, columns: 80, rows: 24 })),
)
