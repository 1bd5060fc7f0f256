import { addressText } from '@gantry/shared/allow-list.ts'
import { type CheckedHost, findingsOf, type Passport } from '@gantry/shared/passport.ts'
import type { PassportWords } from '@gantry/shared/words/passport.en.ts'

/** The passport for a terminal or a mail: plain text, lines of at most 100 characters where names allow it. */
export function passportText(passport: Passport, words: PassportWords): string {
  const { verdict, proxy, hosts, device } = passport
  const said = words.verdict[verdict]
  const asks = asksOf(passport, words)
  return [
    words.title.toUpperCase(),
    `${words.ofDevice(device)}  ·  ${words.madeAt(whenText(passport, words))}`,
    '',
    `${said.short}. ${said.text}`,
    '',
    `${words.needs} (TCP)`,
    ...(proxy ? [words.proxyText(addressText(proxy))] : [words.needsText]),
    '',
    ...hosts.flatMap((host) => hostLines(host, words)),
    `  ${words.clock.title}`,
    `      ${clockText(passport, words)}`,
    '',
    words.asks,
    ...(asks.length === 0 ? [`  ${words.nothingToAsk}`] : asks.map(({ ask }, index) => `  ${index + 1}. ${ask}`)),
    '',
  ].join('\n')
}

function hostLines(host: CheckedHost, words: PassportWords): string[] {
  const addresses = [...host.addresses, ...host.found]
  const place = [words.purpose[host.purpose], host.site].filter(Boolean).join(', ')
  const hops = host.hops.map(({ hop, verdict }) => `${words.hops[hop]} ${words.results[verdict]}`).join(' · ')
  return [
    `  ${addressText(host)}  ${place}`,
    ...(addresses.length > 0 ? [`      ${addresses.join(' ')}`] : []),
    `      ${host.needed ? hops : words.notNeeded}`,
    ...findingsOf({ hosts: [host] }).map(({ trouble }) => `      ! ${words.trouble[trouble.code](trouble.details).what}`),
    '',
  ]
}

export function clockText({ clock }: Passport, words: PassportWords): string {
  if (clock.offsetSeconds === null) return words.clock.unknown
  return clock.verdict === 'fails' ? words.clock.off(clock.offsetSeconds) : words.clock.fits(clock.offsetSeconds)
}

/** One sentence for each thing to be changed, once each, in order. */
export function asksOf(passport: Passport, words: PassportWords): { ask: string; what: string }[] {
  const told = findingsOf(passport).map(({ trouble }) => words.trouble[trouble.code](trouble.details))
  if (passport.clock.verdict === 'fails') told.push({ ask: words.clock.ask, what: clockText(passport, words) })
  return told.filter((one, index) => told.findIndex(({ ask }) => ask === one.ask) === index)
}

export function whenText({ madeAt }: Passport, words: PassportWords): string {
  const parts = { year: 'numeric', month: 'long', day: 'numeric', hour: 'numeric', minute: '2-digit', timeZoneName: 'short', hourCycle: 'h23' } as const
  return new Intl.DateTimeFormat(words.locale, parts).format(new Date(madeAt))
}
