import { describe, expect, test } from 'vitest'
import { newId } from '../ids.ts'
import type { CertificatePayload, RequestPayload, RosterPayload, TicketPayload } from '../ticket.ts'
import { codesMatch, commitmentTo, matchingCode } from './matching-code.ts'
import { generateSigningKey, newNonce, requestHash, signJws, signRequest, thumbprint } from './signing.ts'
import { checkCertificate, checkRequest, checkRoster, checkTicket, requireOnRoster, requireSameRequest, rosterIsFresh } from './ticket.ts'

const now = 1_800_000_000
const [authority, ticketKey, specialist, support, session, device] = Array.from({ length: 6 }, generateSigningKey) as [
  ReturnType<typeof generateSigningKey>,
  ReturnType<typeof generateSigningKey>,
  ReturnType<typeof generateSigningKey>,
  ReturnType<typeof generateSigningKey>,
  ReturnType<typeof generateSigningKey>,
  ReturnType<typeof generateSigningKey>,
]
const person: CertificatePayload = {
  version: 1,
  specialistId: newId('spc'),
  username: 'e.marchetti',
  name: 'Elena Marchetti',
  employer: 'Gantry Service',
  country: 'CA',
  specialistKey: specialist.publicJwk,
  supportKey: support.publicJwk,
  issuedAt: now - 1000,
  expiresAt: now + 1000,
}
const asked: RequestPayload = {
  version: 1,
  id: newId('req'),
  deviceId: newId('dev'),
  specialistId: person.specialistId,
  access: 'os',
  serviceKind: 'support',
  reason: 'Console is slow',
  caseId: '48213',
  minutes: 30,
  sessionKey: session.publicJwk,
  commitment: commitmentTo(newNonce()),
  issuedAt: now,
}
const entry = {
  specialistId: person.specialistId,
  username: person.username,
  specialistKey: thumbprint(person.specialistKey),
  supportKey: thumbprint(person.supportKey),
}
const roster: RosterPayload = { version: 1, number: 3, issuedAt: now - 10, expiresAt: now + 14 * 86_400, specialists: [entry] }

describe('what must hold before anything rings', () => {
  test('a certificate counts under the authority alone and within its time (R061, R062)', async () => {
    const certificate = await signJws('certificate', person, authority)
    expect((await checkCertificate(certificate, [authority.publicJwk], now)).name).toBe('Elena Marchetti')
    await expect(checkCertificate(certificate, [ticketKey.publicJwk], now)).rejects.toMatchObject({ code: 'access.certificate-bad' })
    await expect(checkCertificate(certificate, [authority.publicJwk], now + 1126)).rejects.toMatchObject({ code: 'auth.certificate-expired' })
    await expect(checkCertificate(certificate, [authority.publicJwk], now - 1126)).rejects.toMatchObject({ code: 'access.clock-off' })
  })

  test('a person counts only with both keys on the roster (R062, R068)', async () => {
    const signed = await checkRoster(await signJws('roster', roster, authority), authority.publicJwk)
    expect(() => requireOnRoster(person, signed)).not.toThrow()
    for (const changed of [
      { ...entry, supportKey: entry.specialistKey },
      { ...entry, username: 'other' },
    ]) {
      expect(() => requireOnRoster(person, { ...roster, specialists: [changed] })).toThrow('access.certificate-bad')
    }
    expect(() => requireOnRoster(person, { ...roster, specialists: [] })).toThrow('access.certificate-bad')
    expect([rosterIsFresh(roster, now), rosterIsFresh(roster, now + 15 * 86_400)]).toEqual([true, false])
  })

  test('a request of another person, an old one and one from the future are refused (R062)', async () => {
    const signed = await signRequest(asked, { specialist, support })
    expect((await checkRequest(signed, person, now)).reason).toBe('Console is slow')
    await expect(checkRequest(signed, { ...person, specialistId: newId('spc') }, now)).rejects.toMatchObject({ code: 'access.signature-bad' })
    await expect(checkRequest(signed, person, now + 426)).rejects.toMatchObject({ code: 'access.expired' })
    await expect(checkRequest(signed, person, now - 126)).rejects.toMatchObject({ code: 'access.clock-off' })
  })

  test('a reason with a line break or a direction mark never reaches the panel (R119)', async () => {
    for (const reason of ['two\nlines', 'left\u202eright', 'bell\u0007', '']) {
      const signed = await signRequest({ ...asked, reason }, { specialist, support })
      await expect(checkRequest(signed, person, now)).rejects.toMatchObject({ code: 'access.signature-bad' })
    }
  })

  test('a ticket is for exactly one request: every bound field is compared (R028, R063)', async () => {
    const signed = await signRequest(asked, { specialist, support })
    const place = { name: 'access-1', site: 'Site A', host: '127.0.0.1', port: 443 }
    const ticket: TicketPayload = {
      version: 1,
      id: newId('tkt'),
      requestId: asked.id,
      requestHash: requestHash(signed),
      deviceId: asked.deviceId,
      specialistId: asked.specialistId,
      access: 'os',
      limits: { files: { toDevice: true, fromDevice: true, maxFileBytes: 1 }, actions: '*', patientData: true },
      ask: false,
      minutes: 30,
      sessionKey: session.publicJwk,
      deviceKey: device.publicJwk,
      accessServer: place,
      fallback: null,
      issuedAt: now,
      joinBefore: now + 300,
    }
    const text = await signJws('ticket', ticket, ticketKey)
    requireSameRequest(await checkTicket(text, [ticketKey.publicJwk], now), asked, signed)
    await expect(checkTicket(text, [authority.publicJwk], now)).rejects.toMatchObject({ code: 'ticket.bad' })
    await expect(checkTicket(text, [ticketKey.publicJwk], now + 426)).rejects.toMatchObject({ code: 'ticket.expired' })
    const edits: Partial<TicketPayload>[] = [
      { requestId: newId('req') },
      { requestHash: newNonce() },
      { deviceId: newId('dev') },
      { specialistId: newId('spc') },
      { access: 'files' },
      { minutes: 60 },
      { sessionKey: device.publicJwk },
    ]
    for (const edit of edits) expect(() => requireSameRequest({ ...ticket, ...edit }, asked, signed)).toThrow('ticket.bad')
  })
})

describe('the matching code', () => {
  const input = { ticket: 'a.b.c', sessionKey: session.publicJwk, hostKey: 'ecdsa-sha2-nistp256 AAAA', c: newNonce(), d: newNonce() }

  test('is six digits, and another one when any of its five inputs is another (R080)', () => {
    const code = matchingCode(input)
    expect(code).toMatch(/^\d{6}$/)
    const changed = [{ ticket: 'a.b.d' }, { sessionKey: device.publicJwk }, { hostKey: 'ecdsa-sha2-nistp256 AAAB' }, { c: newNonce() }, { d: newNonce() }]
    const others = changed.map((change) => matchingCode({ ...input, ...change }))
    // Six digits collide once in a million; all five equal to the first would mean that an input is ignored.
    expect(others.filter((other) => other === code).length).toBeLessThan(2)
    expect(matchingCode({ ...input })).toBe(code)
  })

  test('may be typed with spaces, and nothing else than the six digits fits (R080)', () => {
    expect(codesMatch('482 193', '482193')).toBe(true)
    for (const typed of ['482194', '48219', '4821930', '', 'abcdef']) expect(codesMatch(typed, '482193')).toBe(false)
  })
})
