import { once } from 'node:events'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { type Ca, issueServerCertificate } from '../../shared/node/certificates.ts'

/** A mail as it came over the wire: the envelope, the header lines unfolded, and the text as it was before its transfer encoding. */
export type ReceivedMail = { from: string; to: string[]; headers: string[]; text: string; user: string | null; secure: boolean }

/** A real SMTP server on loopback, with TLS from the first byte unless it is to come by STARTTLS. `says` decides about each recipient: nothing to take it, or a refusal such as `[550, 'no such user']`. */
export type MailServer = {
  port: number
  mails: ReceivedMail[]
  /** How often a recipient was named. */
  tries(): number
  close(): Promise<void>
}
export type MailServerOptions = {
  port?: number
  tls?: 'implicit' | 'starttls'
  says?: (to: string) => [code: number, text: string] | null
  login?: { user: string; password: string }
}

export async function openMailServer(ca: Ca, { port = 0, tls = 'implicit', says = () => null, login }: MailServerOptions = {}): Promise<MailServer> {
  const { certificatePem, keyPem } = await issueServerCertificate(ca, { hosts: ['127.0.0.1'] })
  const mails: ReceivedMail[] = []
  let tries = 0
  const options: SMTPServerOptions = {
    ...{ secure: tls === 'implicit', cert: certificatePem, key: keyPem, authOptional: login === undefined, disabledCommands: login ? [] : ['AUTH'] },
    onAuth({ username, password }, _session, done) {
      if (username === login?.user && password === login?.password) return done(null, { user: username ?? '' })
      return done(new Error('wrong'))
    },
    onRcptTo({ address }, _session, done) {
      tries += 1
      const refusal = says(address)
      done(refusal ? Object.assign(new Error(refusal[1]), { responseCode: refusal[0] }) : null)
    },
    async onData(stream, session, done) {
      const chunks: Buffer[] = []
      for await (const chunk of stream) chunks.push(chunk as Buffer)
      const { mailFrom, rcptTo } = session.envelope
      const user = typeof session.user === 'string' ? session.user : null
      mails.push({
        secure: session.secure,
        from: mailFrom ? mailFrom.address : '',
        to: rcptTo.map(({ address }) => address),
        user,
        ...parse(Buffer.concat(chunks).toString('utf8')),
      })
      done()
    },
  }
  const server = new SMTPServer(options)
  // Clients that go away in the middle are the tests' own.
  server.on('error', () => undefined)
  const listening = server.listen(port, '127.0.0.1')
  await once(listening, 'listening')
  const address = listening.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    mails,
    tries: () => tries,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

function parse(raw: string): Pick<ReceivedMail, 'headers' | 'text'> {
  const at = raw.indexOf('\r\n\r\n')
  const headers = raw
    .slice(0, at)
    .replaceAll(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
  const encoding = headers
    .find((line) => /^content-transfer-encoding:/i.test(line))
    ?.split(':')[1]
    ?.trim()
  const body = raw.slice(at + 4)
  if (encoding === 'base64') return { headers, text: Buffer.from(body, 'base64').toString('utf8') }
  return { headers, text: encoding === 'quoted-printable' ? unquoted(body) : body }
}

/** RFC 2045 section 6.7. */
function unquoted(body: string): string {
  const octets = body.replaceAll(/=\r\n/g, '').replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(octets, 'latin1').toString('utf8')
}
