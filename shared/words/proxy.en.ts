import type { ErrorDetails } from '../errors.ts'

type Sentence = (details: ErrorDetails) => { what: string; todo: string }
export type ProxyWords = {
  /** Why a proxy did not let a connection through: the `reason` of `server.proxy-refused`. */
  refused: Record<'credentials-missing' | 'credentials-wrong' | 'scheme-unknown' | 'forbidden' | 'failed', Sentence>
  /** What is wrong with a setting: the `reason` of `proxy.setting-bad`. */
  setting: Record<'url' | 'secret-in-url' | 'except' | 'credentials' | 'file' | 'file-open' | 'pac' | 'pac-answer', Sentence>
}

/** The sentence of the failure's reason; of a reason that this version does not know, the sentence of `otherwise`. */
export function byReason<R extends string>(sentences: Record<R, Sentence>, otherwise: R): Sentence {
  return (details) => {
    const reason = String(details.reason)
    return sentences[Object.hasOwn(sentences, reason) ? (reason as R) : otherwise](details)
  }
}

const theProxy = ({ proxy }: ErrorDetails) => (proxy === undefined ? 'The proxy' : `The proxy ${proxy}`)
const theServer = ({ host, port }: ErrorDetails) => (host === undefined ? 'the server' : `${host}${port === undefined ? '' : `:${port}`}`)
const inBrackets = (fact: string | number | undefined) => (fact === undefined ? '' : ` (${fact})`)
const theSetting = ({ setting }: ErrorDetails) => (setting === undefined ? 'A setting of the proxy' : `${setting}`)
const thePac = ({ setting }: ErrorDetails) => (setting === undefined ? 'The proxy configuration' : `The proxy configuration ${setting}`)

export const proxyEn: ProxyWords = {
  refused: {
    'credentials-missing': (details) => ({
      what: `${theProxy(details)} wants a user name and a password${inBrackets(details.offers)}, and none are set.`,
      todo: 'Ask site IT for them, and put them where the setting of the proxy says.',
    }),
    'credentials-wrong': ({ retrySeconds, ...details }) => ({
      what: `${theProxy(details)} does not accept the user name or the password.`,
      todo: `Correct them with site IT. ${retrySeconds === undefined ? 'The same ones are tried again rarely' : `The same ones are tried again in ${retrySeconds} s`}, so that no account is locked; new ones are tried at once.`,
    }),
    'scheme-unknown': (details) => ({
      what: `${theProxy(details)} asks for a way of signing in that is not supported${inBrackets(details.offers)}.`,
      todo: 'Ask site IT to let this computer through without, or with Basic or Digest.',
    }),
    forbidden: (details) => ({
      what: `${theProxy(details)} does not allow ${theServer(details)}.`,
      todo: `Ask site IT to allow CONNECT to ${theServer(details)}.`,
    }),
    failed: (details) => ({
      what: `${theProxy(details)} did not get through to ${theServer(details)}${inBrackets(details.status)}.`,
      todo: 'It is tried again by itself; if it stays so, ask site IT what the proxy’s log says.',
    }),
  },
  setting: {
    url: (details) => ({
      what: `${theSetting(details)} names no proxy.`,
      todo: 'Write it as http://HOST:PORT, or as https://HOST:PORT where the proxy itself speaks TLS.',
    }),
    'secret-in-url': (details) => ({
      what: `${theSetting(details)} holds a user name or a password, which would end up in logs and lists of processes.`,
      todo: 'Take them out of the address, and put them where the setting of the proxy says.',
    }),
    except: (details) => ({
      what: `${theSetting(details)} holds an entry that is no host, domain, address or network.`,
      todo: 'Use entries such as hospital.example, .hospital.example, 10.0.0.0/8 or host:8443.',
    }),
    credentials: (details) => ({
      what: `${theSetting(details)} cannot be a user name and a password of a proxy.`,
      todo: 'A user name has no colon in it; neither has a line break.',
    }),
    file: (details) => ({ what: `${theSetting(details)} cannot be read, or is not as it should be.`, todo: 'It holds {"user":"…","password":"…"}.' }),
    'file-open': (details) => ({ what: `${theSetting(details)} can be read by others.`, todo: 'Make it readable by the program’s own user only (chmod 600).' }),
    pac: (details) => ({ what: `${thePac(details)} cannot be read, or does not work.`, todo: 'Ask your IT whether its address is right.' }),
    'pac-answer': (details) => ({
      what: `${thePac(details)} names no way that is supported.`,
      todo: 'Ask your IT for an HTTP proxy (PROXY or HTTPS); SOCKS is not spoken.',
    }),
  },
}
