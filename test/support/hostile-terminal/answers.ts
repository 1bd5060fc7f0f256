import { type Group, osc } from './group.ts'

const csi = (...bodies: string[]): [string, string][] => bodies.map((body) => [`CSI ${body}`, `\u001b[${body}`])
const dcs = (...bodies: string[]): [string, string][] => bodies.map((body) => [`DCS ${body}`, `\u001bP${body}\u001b\\`])

/** What makes a terminal type: a report is input to the shell, and what it holds can be the device's choice. */
export const answering: readonly Group[] = [
  {
    tries: 'to be told what the terminal is',
    sequences: [
      ['ENQ, the answerback', '\u0005'],
      ['a thousand of them', '\u0005'.repeat(1_000)],
      ['DECID', '\u001bZ'],
      ['DECID in C1', '\u009a'],
      ['VT52 identify', '\u001b[?2l\u001bZ\u001b<'],
      ...csi('>c', '>0c', '>1c', '=c', '=0c', '>q', '>0q', 'x', '0x', '1x', '?c'),
      ['secondary attributes in C1', '\u009b>c'],
      ...dcs('+q544e', '+q436f;524742', '+q6b31', '+p5a', '$qm', '$qr', '$q"p', '$q"q', '$q q', '$qs', '$qt', '$qx', '$q*x', '$q$|'),
      ['DECRQSS in C1', '\u0090$qm\u009c'],
      ['DECRQSS with what is to be echoed', '\u001bP$q\rrm -rf ~\r\u001b\\'],
      ['DECRSPS, restored state', '\u001bP1$t1;1;1;@;@;@;0;2;@;BBBB\u001b\\\u001b[1$w'],
    ],
  },
  {
    tries: 'to be told a state of the screen',
    sequences: [
      ...csi('?6n', '?15n', '?25n', '?26n', '?53n', '?55n', '?56n', '?62n', '?63n', '?75n', '?85n', '?996n', '7n', '8n', '>0n'),
      ...csi('1$w', '2$w', '&u', '1$u', '2;1$u', '"v', "1'|", '?1;1;0S', '?2;1;0S', '1;1;1;1;24;80*y', '#S'),
      ...csi('11t', '13t', '13;2t', '14t', '14;2t', '15t', '16t', '18t', '19t'),
      ['checksum of what is on the screen, cell by cell', Array.from({ length: 40 }, (_, at) => `\u001b[1;1;1;${at};1;${at}*y`).join('')],
      ['locator: enabled and asked', "\u001b[1;1'z\u001b[1'{\u001b['|"],
    ],
  },
  {
    tries: 'to be told a mode',
    sequences: [
      ...csi('4$p', '20$p', '?1$p', '?7$p', '?12$p', '?25$p', '?47$p', '?1000$p', '?1004$p', '?1049$p', '?2004$p', '?2026$p', '?2027$p', '?2031$p', '?99999$p'),
      ['all of them', Array.from({ length: 1_000 }, (_, at) => `\u001b[?${at}$p`).join('')],
      ...csi('?1s\u001b[?1r', '?u', '>1u', '<1u', '=31;1u', '>4;2m', '?4m', '>4n', '?9001h', '?2031h', '?2048h'),
    ],
  },
  {
    tries: 'to be told when somebody looks',
    sequences: [
      ['focus events', '\u001b[?1004h'],
      ['focus events beside another mode', '\u001b[?25;1004h'],
      ['focus events, the other one first', '\u001b[?1004;2004h'],
      ['focus events by a sub-parameter', '\u001b[?1004:1h'],
      ['focus events in C1', '\u009b?1004h'],
      ['focus events on and off, a hundred times', '\u001b[?1004h\u001b[?1004l'.repeat(100)],
      ['focus events restored from saved modes', '\u001b[?1004s\u001b[?1004h\u001b[?1004r'],
    ],
  },
  {
    tries: 'to be told a colour or a font',
    sequences: [
      ...[10, 11, 12, 13, 14, 15, 16, 17, 18, 19].map((code): [string, string] => [`OSC ${code};?`, osc(`${code};?`)]),
      ['OSC 4;1;?', osc('4;1;?')],
      ['OSC 4 for all 256', osc(`4;${Array.from({ length: 256 }, (_, at) => `${at};?`).join(';')}`)],
      ['OSC 5;0;?', osc('5;0;?')],
      ['OSC 10;?;?;?', osc('10;?;?;?')],
      ['OSC 10;? with C1', '\u009d10;?\u009c'],
      ['OSC 21, kitty', osc('21;foreground=?')],
      ['OSC 50;?', osc('50;?')],
      ['OSC 60 and 61, features', osc('60') + osc('61;allowColorOps')],
      ['iTerm cell size', osc('1337;ReportCellSize')],
      ['iTerm capabilities', osc('1337;Capabilities')],
      ['kitty graphics query', '\u001b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\u001b\\'],
      ['kitty graphics from a file', '\u001b_Ga=T,t=f,f=100;L2V0Yy9wYXNzd2Q=\u001b\\'],
      ['sixel', '\u001bPq#0;2;0;0;0#0~~@@vv@@~~$-\u001b\\'],
      ['sixel geometry', '\u001b[?1;4;0S'],
    ],
  },
  {
    // These alone may be answered.
    tries: 'nothing: the three questions that are answered',
    sequences: [...csi('c', '0c', '5n', '6n'), ['all three a hundred times', '\u001b[c\u001b[5n\u001b[6n'.repeat(100)], ['position in C1', '\u009b6n']],
  },
]
