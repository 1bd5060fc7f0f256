import { readFileSync, statSync } from 'node:fs'
import { AppError } from '@gantry/shared/errors.ts'
import { tlsPolicy } from '@gantry/shared/node/tls.ts'
import { z } from 'zod'
import type { MailSettings } from '../notice-settings.ts'
import { DeliveryFailure } from './delivery.ts'

export type Mail = { id: string; to: string; subject: string; text: string }
/** Resolves when the server has taken it over. Throws a DeliveryFailure. */
export type SendMail = (mail: Mail) => Promise<void>

const limits = { connectionTimeout: 5_000, greetingTimeout: 5_000, socketTimeout: 10_000, dnsTimeout: 5_000 }

/** Throws `state.unreadable` for a password that others can read, or none. */
export async function createMailer(settings: MailSettings, env: NodeJS.ProcessEnv = process.env): Promise<SendMail> {
  const { host, port, from, user } = settings
  const ca = settings.caFile === null ? {} : { ca: readFileSync(settings.caFile) }
  const auth = user === null ? {} : { auth: { user, pass: passwordOf(settings, env) } }
  // Where no mail is set, its library is not even loaded.
  const { createTransport } = await import('nodemailer')
  const transport = createTransport({
    ...{ host, port, secure: settings.tls === 'implicit', requireTLS: true, tls: { ...tlsPolicy, ...ca } },
    ...{ ...auth, ...limits, disableFileAccess: true, disableUrlAccess: true },
  })
  return async ({ id, to, subject, text }) => {
    // What is no address is not left to a library to make one, or several, out of.
    if (!z.email().safeParse(to).success) throw new DeliveryFailure('mail-refused', { final: true })
    // RFC 3834: nobody's automatic reply shall answer it.
    const headers = { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' }
    const messageId = `<${id}@${from.slice(from.lastIndexOf('@') + 1)}>`
    try {
      await transport.sendMail({ from, to: { name: '', address: to }, envelope: { from, to: [to] }, subject, text, messageId, headers })
    } catch (error) {
      throw failureOf(error)
    }
  }
}

function failureOf(error: unknown): DeliveryFailure {
  const { code, responseCode } = error as { code?: string; responseCode?: number }
  if (code === 'EAUTH') return new DeliveryFailure('mail-login', { cause: error })
  // RFC 5321 section 4.2.1: 5yz will not be different next time, 4yz may be.
  if (responseCode !== undefined) return new DeliveryFailure('mail-refused', { final: responseCode >= 500, cause: error })
  return new DeliveryFailure('mail-unreachable', { cause: error })
}

function passwordOf({ passwordFile }: MailSettings, env: NodeJS.ProcessEnv): string {
  if (env.GANTRY_SMTP_PASSWORD) return env.GANTRY_SMTP_PASSWORD
  try {
    if (passwordFile === null) throw new Error('no password')
    if ((statSync(passwordFile).mode & 0o077) !== 0) throw new Error('others can read it')
    const [line = ''] = readFileSync(passwordFile, 'utf8').split('\n')
    if (line === '') throw new Error('empty')
    return line
  } catch (error) {
    throw new AppError('state.unreadable', { cause: error, details: { what: 'mail password' } })
  }
}
