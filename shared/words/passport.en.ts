import type { AllowedHost } from '../allow-list.ts'
import type { CheckedHop, CheckHop, Passport, TroubleCode } from '../passport.ts'

type Details = Record<string, string | number>

/** The firewall passport and the allow-list's guide: for whoever looks after the hospital's network. */
export const passportEn = {
  locale: 'en-CA',
  title: 'Firewall passport',
  subtitle: 'What the network must let through for remote service, and what it lets through now',
  ofDevice: (device: string) => `Device: ${device}`,
  madeAt: (when: string) => `Checked on ${when}`,
  verdict: {
    running: { short: 'Checking', text: 'Each host is asked in turn.' },
    open: { short: 'Everything passes', text: 'The network lets through all that remote service needs.' },
    limited: { short: 'It works, with less in reserve', text: 'One way is open. Another one, for when that fails, is not.' },
    closed: { short: 'It cannot work yet', text: 'Something that remote service needs does not pass.' },
  } satisfies Record<Passport['verdict'], { short: string; text: string }>,
  needs: 'Hosts and ports',
  needsText: 'Outbound only. Nothing ever connects to the device, and it listens on nothing.',
  proxyText: (proxy: string) => `The device goes through the proxy ${proxy}. It must let CONNECT through to these hosts, and leave TLS closed.`,
  columns: { purpose: 'Purpose', host: 'Host', port: 'Port', addresses: 'Addresses', site: 'Site', result: 'Result' },
  purpose: { 'main-server': 'Main server', enrolment: 'Enrolment, once', 'access-server': 'Access server' } satisfies Record<AllowedHost['purpose'], string>,
  byName: 'by DNS',
  hops: { dns: 'Name', proxy: 'Proxy', tcp: 'Connection', tls: 'Identity', answer: 'Answer', upgrade: 'Tunnel' } satisfies Record<CheckHop, string>,
  results: { waiting: 'waits', passes: 'passes', fails: 'fails', 'not-tried': 'not tried' } satisfies Record<CheckedHop['verdict'], string>,
  notNeeded: 'not needed any more',
  clock: {
    title: 'Clock',
    unknown: 'No server told the time, so it could not be compared.',
    fits: (seconds: number) => (seconds === 0 ? 'The device and the server have the same time.' : `${apart(seconds)}. That is close enough.`),
    off: (seconds: number) => `${apart(seconds)}. Signed messages will be refused.`,
    ask: 'Set the device’s clock, or let it reach your time server.',
  },
  asks: 'What to ask for',
  asksText: 'One sentence each, to copy into a request to the IT department.',
  nothingToAsk: 'Nothing. Everything passes.',
  seen: (what: string) => `Seen: ${what}`,
  page: 'Names, addresses and ports only. This page holds no password, key or patient data.',
  trouble: {
    'name-unknown': ({ host, reason }) => ({
      what: `${host}: DNS does not know the name (${reason}).`,
      ask: `Please let the device resolve ${host} by DNS, or enter its documented addresses in the device.`,
    }),
    'no-connection': ({ host, port, reason }) => ({
      what: `${host}:${port} does not answer (${reason}).`,
      ask: `Please allow outbound TCP from the device to ${host}, port ${port}.`,
    }),
    'proxy-unreachable': ({ proxy, reason }) => ({
      what: `The proxy ${proxy} does not answer (${reason}).`,
      ask: `Please allow outbound TCP from the device to the proxy ${proxy}, or give the right proxy address.`,
    }),
    'proxy-certificate': ({ proxy, issuer }) => ({
      what: `The proxy ${proxy} shows a certificate that the device does not believe, issued by “${issuer}”.`,
      ask: `Please give the device the certificate of the authority that vouches for the proxy ${proxy} (“${issuer}”).`,
    }),
    'proxy-credentials': ({ proxy, reason }) => ({
      what: `The proxy ${proxy} wants the device to sign in (${reason}).`,
      ask: `Please give the device a user and password for the proxy ${proxy} (Basic or Digest), or let it through without.`,
    }),
    'proxy-forbids': ({ proxy, host, port, status }) => ({
      what: `The proxy ${proxy} forbids ${host}:${port} (${status}).`,
      ask: `Please let the proxy ${proxy} accept CONNECT from the device to ${host}, port ${port}.`,
    }),
    'proxy-fails': ({ proxy, host, port, status }) => ({
      what: `The proxy ${proxy} cannot reach ${host}:${port} (${status}).`,
      ask: `Please check that the proxy ${proxy} itself can resolve and reach ${host}, port ${port}.`,
    }),
    intercepted: ({ host, issuer }) => ({
      what: `${host}: TLS is opened on the way. The certificate shown was issued by “${issuer}”.`,
      ask: `Please exempt ${host} from TLS inspection (it is done by “${issuer}”): both sides authenticate by certificate, so it cannot work with inspection.`,
    }),
    'certificate-date': ({ host, reason }) => ({
      what: `${host}: the certificate is not valid today, by the device’s clock (${reason}).`,
      ask: 'Set the device’s clock, or let it reach your time server.',
    }),
    'wrong-certificate': ({ host, reason }) => ({
      what: `${host}: another server answers under this name (${reason}).`,
      ask: `Please check where DNS and routing lead for ${host}: another server answers.`,
    }),
    'tls-cut': ({ host, port, reason }) => ({
      what: `${host}:${port}: the connection is cut while TLS begins (${reason}).`,
      ask: `Please let TLS to ${host}, port ${port}, pass without inspection or application filter.`,
    }),
    'no-answer': ({ host, port, reason }) => ({
      what: `${host}:${port}: connected, but no answer (${reason}).`,
      ask: `Please check that nothing between the device and ${host}, port ${port}, cuts a connection that was allowed.`,
    }),
    'no-upgrade': ({ host, port, reason }) => ({
      what: `${host}:${port}: nothing passes after the upgrade to a tunnel (${reason}).`,
      ask: `Please let long-lived TLS connections to ${host}, port ${port}, pass without an application filter.`,
    }),
  } as Record<TroubleCode, (details: Details) => { what: string; ask: string }>,
}
export type PassportWords = typeof passportEn

function apart(seconds: number): string {
  const count = Math.abs(seconds)
  return `The device is ${count} ${count === 1 ? 'second' : 'seconds'} ${seconds > 0 ? 'ahead' : 'behind'}`
}
