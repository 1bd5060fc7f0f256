import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Ca, createCa } from '@gantry/shared/node/certificates.ts'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type MailServer, type MailServerOptions, openMailServer } from '../../../test/support/mail-server.ts'
import { MailSettings } from '../notice-settings.ts'
import { createMailer } from './mail.ts'

let ca: Ca
const folder = mkdtempSync(join(tmpdir(), 'mail-'))
const file = (name: string) => join(folder, name)
const closing: (() => Promise<unknown>)[] = []
beforeAll(async () => {
  ca = await createCa('Mail')
  writeFileSync(file('ca.pem'), ca.certificatePem)
  return () => rmSync(folder, { recursive: true, force: true })
})
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function open(options: MailServerOptions = {}): Promise<MailServer> {
  const server = await openMailServer(ca, options)
  closing.push(server.close)
  return server
}
const settings = (port: number, part: Record<string, unknown> = {}) =>
  MailSettings.parse({ host: '127.0.0.1', port, tls: 'implicit', from: 'notices@norvane.example', caFile: file('ca.pem'), ...part })
const mail = { id: 'ntc_a', to: 'it@riverside.example', subject: 'A subject', text: 'A text' }

describe('a mail (R084)', () => {
  test('says who sent it and that no reply is read, in one message to one address', async () => {
    const { port, mails } = await open()
    await (await createMailer(settings(port), {}))({ ...mail, subject: 'Service à distance', text: 'Séance demandée\n' })
    expect(mails).toMatchObject([{ from: 'notices@norvane.example', to: ['it@riverside.example'], text: expect.stringContaining('Séance demandée') }])
    expect(mails[0]?.headers).toEqual(expect.arrayContaining(['Message-ID: <ntc_a@norvane.example>', 'Auto-Submitted: auto-generated']))
  })

  test.each([
    '\r\nBcc: everybody@evil.example',
    '\nX-Evil: 1',
    '\r\n\r\nA body of its own',
    '\u0000',
    '\u2028X-Evil: 1',
    '=?utf-8?Q?=0D=0ABcc:_a@evil.example?=',
  ])('whatever stands in its subject, %j makes no header and no recipient', async (hostile) => {
    const { port, mails } = await open()
    const plain = await open()
    await (await createMailer(settings(plain.port), {}))({ ...mail, subject: 'Case 48213' })
    await (await createMailer(settings(port), {}))({ ...mail, subject: `Case 48213${hostile}` })
    const names = ({ mails: [one] }: Pick<MailServer, 'mails'>) => one?.headers.map((line) => line.split(':')[0])
    expect(names({ mails })).toEqual(names(plain))
    expect(mails[0]?.to).toEqual(['it@riverside.example'])
    expect(mails[0]?.text.trim()).toBe('A text')
  })

  test.each([
    'it@riverside.example, other@evil.example',
    'it@riverside.example\r\nRCPT TO:<other@evil.example>',
    '<other@evil.example>',
    'A <other@evil.example>',
    '',
  ])('%j is no address, and the mail goes nowhere', async (to) => {
    const server = await open()
    const send = await createMailer(settings(server.port), {})
    await expect(send({ ...mail, to })).rejects.toMatchObject({ reason: 'mail-refused', final: true })
    expect([server.mails, server.tries()]).toEqual([[], 0])
  })

  test('goes by STARTTLS where the server begins in the clear: nothing is said before', async () => {
    const { port, mails } = await open({ tls: 'starttls', login: { user: 'gantry', password: 'of the mail server' } })
    const send = await createMailer(settings(port, { tls: 'starttls', user: 'gantry' }), { GANTRY_SMTP_PASSWORD: 'of the mail server' })
    await send(mail)
    expect(mails).toMatchObject([{ to: ['it@riverside.example'], secure: true, user: 'gantry' }])
  })

  test('that is refused for good is told from one that is refused for now', async () => {
    const never = await open({ says: () => [550, 'no such user'] })
    await expect((await createMailer(settings(never.port), {}))(mail)).rejects.toMatchObject({ reason: 'mail-refused', final: true })
    const later = await open({ says: () => [451, 'later'] })
    await expect((await createMailer(settings(later.port), {}))(mail)).rejects.toMatchObject({ reason: 'mail-refused', final: false })
  })

  test('goes over TLS or not at all: to a server that has none, or another’s certificate, not a word is said', async () => {
    const said: string[] = []
    const plain = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.write('220 mail.example ESMTP\r\n')
      socket.on('data', (data) => {
        said.push(data.toString())
        socket.write(data.toString().startsWith('EHLO') ? '250 mail.example\r\n' : '502 no\r\n')
      })
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => plain.once('listening', resolve))
    closing.push(() => new Promise((resolve) => plain.close(resolve)))
    const { port } = plain.address() as { port: number }
    await expect((await createMailer(settings(port, { tls: 'starttls' }), {}))(mail)).rejects.toMatchObject({ final: expect.any(Boolean) })
    expect(said.join('')).not.toMatch(/MAIL FROM|RCPT|AUTH|A subject/)
    const other = await open()
    await expect((await createMailer(settings(other.port, { caFile: null }), {}))(mail)).rejects.toMatchObject({ reason: 'mail-unreachable' })
    expect(other.mails).toEqual([])
  })
})

describe('the password of the mail server', () => {
  const login = { user: 'gantry', password: 'of the mail server' }

  test('comes from the environment, or from a file that only its owner can read', async () => {
    writeFileSync(file('word'), 'of the mail server\n', { mode: 0o600 })
    const { port, mails } = await open({ login })
    await (await createMailer(settings(port, { user: 'gantry', passwordFile: file('word') }), {}))(mail)
    await (await createMailer(settings(port, { user: 'gantry' }), { GANTRY_SMTP_PASSWORD: 'of the mail server' }))(mail)
    expect(mails.map(({ user }) => user)).toEqual(['gantry', 'gantry'])
  })

  test('in a file that others can read, an empty one or none starts no server; a wrong one is told as such', async () => {
    writeFileSync(file('open'), 'of the mail server\n')
    chmodSync(file('open'), 0o640)
    writeFileSync(file('empty'), '\n', { mode: 0o600 })
    for (const passwordFile of [file('open'), file('empty'), file('nowhere'), null]) {
      await expect(createMailer(settings(1, { user: 'gantry', passwordFile }), {})).rejects.toMatchObject({ code: 'state.unreadable' })
    }
    const { port } = await open({ login })
    const send = await createMailer(settings(port, { user: 'gantry' }), { GANTRY_SMTP_PASSWORD: 'another' })
    await expect(send(mail)).rejects.toMatchObject({ reason: 'mail-login' })
  })
})
