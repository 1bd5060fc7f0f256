import { type AllowList, addressText } from './allow-list.ts'
import { type CheckHop, TroubleCode } from './passport.ts'
import type { ItGuideWords } from './words/it-guide.en.ts'
import type { PassportWords } from './words/passport.en.ts'

/** The customer IT guide in Markdown, printed from the very list that the device enforces (R017, R048). */
export function itGuide(list: AllowList, guide: ItGuideWords, passport: PassportWords): string {
  const { hosts, forms, network, check, control } = guide
  const rows = list.hosts.map((one) => [
    passport.purpose[one.purpose],
    one.name,
    `\`${one.host}\``,
    one.addresses.length > 0 ? one.addresses.join(' ') : passport.byName,
    one.site || '–',
    String(one.port),
  ])
  return [
    `# ${guide.title}`,
    guide.made(list.device),
    `## ${guide.inShort.title}`,
    bullets(guide.inShort.lines),
    `## ${hosts.title}`,
    hosts.text,
    ...(list.proxy ? [hosts.proxy(addressText(list.proxy))] : []),
    table(hosts.columns, rows),
    bullets(hosts.more),
    `## ${forms.title}`,
    `${forms.text} ${forms.config}`,
    table(
      ['', ''],
      forms.commands.map(([command = '', what = '']) => [`\`${command}\``, what]),
    ),
    `## ${network.title}`,
    bullets(network.lines),
    `## ${check.title}`,
    check.text,
    `\`\`\`\n${check.command}\n\`\`\``,
    bullets(check.more),
    table(
      check.table,
      TroubleCode.options.map((code) => troubleRow(code, passport)),
    ),
    `## ${control.title}`,
    control.text,
    table(control.columns, control.rows),
    '',
  ].join('\n\n')
}

const hopOf: Record<TroubleCode, CheckHop> = {
  'name-unknown': 'dns',
  'no-connection': 'tcp',
  'proxy-unreachable': 'proxy',
  'proxy-certificate': 'proxy',
  'proxy-credentials': 'proxy',
  'proxy-forbids': 'proxy',
  'proxy-fails': 'proxy',
  intercepted: 'tls',
  'certificate-date': 'tls',
  'wrong-certificate': 'tls',
  'tls-cut': 'tls',
  'no-answer': 'answer',
  'no-upgrade': 'upgrade',
}

/** With letters where a device would say its own. */
function troubleRow(code: TroubleCode, words: PassportWords): string[] {
  const { what, ask } = words.trouble[code]({ host: 'HOST', port: 443, proxy: 'PROXY', issuer: 'X', status: '…', reason: '…' })
  return [words.hops[hopOf[code]], what, ask]
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n')
}

function bullets(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join('\n')
}
