import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Answerable, answerChallenge, chooseChallenge, parseChallenges } from './proxy-auth.ts'

/** RFC 7616 section 3.9.1. */
const rfc = {
  lines: [
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
  ],
  credentials: { user: 'Mufasa', password: 'Circle of Life' },
  request: { method: 'GET', uri: '/dir/index.html', count: 1, clientNonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ' },
}

describe('answers to a proxy (R046)', () => {
  test.each([
    ['SHA-256', [...rfc.lines].reverse(), '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
    ['MD5', rfc.lines.slice(1), '8ca523f5e9506fed4657c9700eebdbec'],
  ])('Digest with %s gives the answer that RFC 7616 prints', (algorithm, lines, response) => {
    const challenge = chooseChallenge(parseChallenges(lines))
    const answer = answerChallenge(challenge as Answerable, rfc.credentials, rfc.request)
    expect(answer).toContain(`response="${response}"`)
    expect(answer).toContain(`algorithm=${algorithm}, qop=auth, nc=00000001`)
    expect(answer).toContain('opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"')
  })

  test('Basic is UTF-8 in base64 (RFC 7617 section 2.1)', () => {
    const { request } = rfc
    expect(answerChallenge({ scheme: 'basic' }, { user: 'test', password: '123£' }, request)).toBe('Basic dGVzdDoxMjPCow==')
  })

  test('takes the strongest that it speaks, from one line or many', () => {
    const chosen = (...lines: string[]) => {
      const found = chooseChallenge(parseChallenges(lines))
      return found?.scheme === 'digest' ? found.algorithm : (found?.scheme ?? null)
    }
    const md5 = 'Digest realm="a, Basic b", nonce="n", qop="auth"'
    expect(chosen(`Basic realm="x", ${md5}`)).toBe('MD5')
    expect(chosen('Negotiate', 'NTLM', md5, 'Basic realm="x"')).toBe('MD5')
    expect(chosen('basic realm=x')).toBe('basic')
    expect(chosen('Digest realm="x", nonce="n", qop="auth-int"', 'Basic realm="x"')).toBe('basic')
    expect(chosen('Digest realm="x", nonce="n", qop="auth", algorithm=SHA-512-256')).toBe(null)
    expect(chosen('Negotiate abc==, NTLM')).toBe(null)
    expect(chosen()).toBe(null)
  })

  test('a user name, a realm and a nonce stay inside their quotes', () => {
    const [challenge] = parseChallenges([String.raw`Digest realm="say \"hi\"", nonce="a\\b", qop="auth"`])
    const answer = answerChallenge(chooseChallenge([challenge as never]) as Answerable, { user: 'a"b\\c', password: 'p' }, rfc.request)
    expect(answer).toContain(String.raw`username="a\"b\\c", realm="say \"hi\"", nonce="a\\b"`)
  })

  test('whatever a proxy writes is read without harm', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary-ascii', maxLength: 200 }), { maxLength: 5 }), (lines) => {
        const challenge = chooseChallenge(parseChallenges(lines))
        if (challenge) answerChallenge(challenge, rfc.credentials, rfc.request)
      }),
      { numRuns: 2_000 },
    )
  })

  test('a head full of quotes and backslashes takes no time worth a denial of service', () => {
    for (const text of ['"'.repeat(16_000), 'a="'.repeat(5_000), `Digest a="${'\\'.repeat(16_000)}`, 'a '.repeat(8_000), ' ='.repeat(8_000)]) {
      expect(parseChallenges([text]).length).toBeLessThan(16_000)
    }
  })
})
