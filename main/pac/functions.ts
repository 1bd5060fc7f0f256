/**
 * The functions that a PAC file may call (Netscape's "Navigator Proxy Auto-Config File Format", 1996), in JavaScript for the sandbox. From outside come `__lookup(name)`, which
 * gives an address or null, `__address`, and `__now`, the clock of this computer: QuickJS in WebAssembly knows no time zone. Half-given times are filled up as Mozilla does.
 */
export const pacFunctions = String.raw`
var dnsResolve = (host) => __lookup(String(host))
var myIpAddress = () => __address
var isPlainHostName = (host) => !host.includes('.')
var dnsDomainIs = (host, domain) => host.endsWith(domain)
var localHostOrDomainIs = (host, name) => host === name || name.startsWith(host + '.')
var isResolvable = (host) => dnsResolve(host) !== null
var dnsDomainLevels = (host) => host.split('.').length - 1
var alert = () => undefined

function shExpMatch(text, pattern) {
  const source = pattern.replace(/[.+^$(){}|\\]|\[|\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.')
  return new RegExp('^' + source + '$', 's').test(text)
}

function isInNet(host, network, mask) {
  const parse = (text) => (/^\d+\.\d+\.\d+\.\d+$/.test(text) ? text.split('.').reduce((sum, part) => ((sum << 8) | part) >>> 0, 0) : null)
  const address = parse(host) ?? parse(dnsResolve(host) ?? '')
  return address !== null && ((address & parse(mask)) >>> 0) === ((parse(network) & parse(mask)) >>> 0)
}

function __between(from, now, to) {
  return from <= to ? from <= now && now <= to : now >= from || now <= to
}

function __ends(given) {
  const isGmt = given[given.length - 1] === 'GMT'
  const values = isGmt ? given.slice(0, -1) : given
  const half = Math.max(1, values.length / 2)
  return { now: isGmt ? __now.gmt : __now.local, from: values.slice(0, half), to: values.slice(-half) }
}

function weekdayRange(...given) {
  const days = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']
  const { now, from, to } = __ends(given)
  return __between(days.indexOf(from[0]), now.weekday, days.indexOf(to[0]))
}

function timeRange(...given) {
  const { now, from, to } = __ends(given)
  const seconds = ([hour, minute, second]) => (hour * 60 + minute) * 60 + second
  return __between(seconds([...from, 0, 0]), seconds([now.hour, now.minute, now.second]), seconds([...to, 59, 59].slice(0, 3)))
}

function dateRange(...given) {
  const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
  const { now, from, to } = __ends(given)
  const kind = (value) => (typeof value === 'string' ? 'month' : value < 32 ? 'day' : 'year')
  const kinds = from.map(kind)
  const number = (date) => ['year', 'month', 'day'].reduce((sum, name) => sum * 40 + (kinds.includes(name) ? date[name] : 0), 0)
  const date = (values) => Object.fromEntries(values.map((value) => [kind(value), typeof value === 'string' ? months.indexOf(value) : value]))
  return __between(number(date(from)), number(now), number(date(to)))
}
`
