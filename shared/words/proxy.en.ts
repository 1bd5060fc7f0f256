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

export const proxyEn: ProxyWords = {
  refused: {
    'credentials-missing': ({ proxy, offers }) => ({
      what: `The proxy ${proxy} wants a user name and a password (${offers}), and none are set.`,
      todo: 'Ask site IT for them, and put them where the setting of the proxy says.',
    }),
    'credentials-wrong': ({ proxy, retrySeconds }) => ({
      what: `The proxy ${proxy} does not accept the user name or the password.`,
      todo: `Correct them with site IT. ${retrySeconds === undefined ? 'The same ones are tried again rarely' : `The same ones are tried again in ${retrySeconds} s`}, so that no account is locked; new ones are tried at once.`,
    }),
    'scheme-unknown': ({ proxy, offers }) => ({
      what: `The proxy ${proxy} asks for a way of signing in that is not supported (${offers}).`,
      todo: 'Ask site IT to let this computer through without, or with Basic or Digest.',
    }),
    forbidden: ({ proxy, host, port }) => ({
      what: `The proxy ${proxy} does not allow ${host}:${port}.`,
      todo: `Ask site IT to allow CONNECT to ${host}:${port}.`,
    }),
    failed: ({ proxy, host, port, status }) => ({
      what: `The proxy ${proxy} did not get through to ${host}:${port} (${status}).`,
      todo: 'It is tried again by itself; if it stays so, ask site IT what the proxy’s log says.',
    }),
  },
  setting: {
    url: ({ setting }) => ({
      what: `${setting} names no proxy.`,
      todo: 'Write it as http://HOST:PORT, or as https://HOST:PORT where the proxy itself speaks TLS.',
    }),
    'secret-in-url': ({ setting }) => ({
      what: `${setting} holds a user name or a password, which would end up in logs and lists of processes.`,
      todo: 'Take them out of the address, and put them where the setting of the proxy says.',
    }),
    except: ({ setting }) => ({
      what: `${setting} holds an entry that is no host, domain, address or network.`,
      todo: 'Use entries such as hospital.example, .hospital.example, 10.0.0.0/8 or host:8443.',
    }),
    credentials: ({ setting }) => ({
      what: `${setting} cannot be a user name and a password of a proxy.`,
      todo: 'A user name has no colon in it; neither has a line break.',
    }),
    file: ({ setting }) => ({ what: `${setting} cannot be read, or is not as it should be.`, todo: 'It holds {"user":"…","password":"…"}.' }),
    'file-open': ({ setting }) => ({ what: `${setting} can be read by others.`, todo: 'Make it readable by the program’s own user only (chmod 600).' }),
    pac: ({ setting }) => ({ what: `The proxy configuration ${setting} cannot be read, or does not work.`, todo: 'Ask your IT whether its address is right.' }),
    'pac-answer': ({ setting }) => ({
      what: `The proxy configuration ${setting} names no way that is supported.`,
      todo: 'Ask your IT for an HTTP proxy (PROXY or HTTPS); SOCKS is not spoken.',
    }),
  },
}
