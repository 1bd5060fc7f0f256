import { expect, test } from 'vitest'
import { judgeClock, type Passport } from '../../shared/passport.ts'
import { passportEn } from '../../shared/words/passport.en.ts'
import { passportFr } from '../../shared/words/passport.fr.ts'
import { passportPage } from './passport-page.ts'
import { passportText } from './passport-text.ts'

const issuer = '<img src=x onerror=alert(1)>'
const passport: Passport = {
  version: 1,
  madeAt: '2026-11-20T14:06:00.000Z',
  device: 'CT <Suite> "3" & 4',
  proxy: { host: 'proxy.example', port: 3128 },
  clock: judgeClock(-450),
  verdict: 'closed',
  hosts: [
    {
      ...{ purpose: 'access-server', name: 'access-1', host: 'access.example', addresses: ['192.0.2.7'], site: 'East', port: 443, found: [], needed: true },
      hops: [
        { hop: 'proxy', verdict: 'passes', trouble: null },
        { hop: 'tls', verdict: 'fails', trouble: { code: 'intercepted', details: { host: 'access.example', port: 443, issuer } } },
        { hop: 'upgrade', verdict: 'not-tried', trouble: null },
      ],
    },
  ],
}

test.each([
  ['en', passportEn],
  ['fr', passportFr],
])('R017: the page (%s) names host, port, verdict per hop, proxy, clock and what to ask for; it runs nothing and loads nothing', (_, words) => {
  const page = passportPage(passport, words)
  for (const one of ['access.example', 'TCP&nbsp;443', '192.0.2.7', 'proxy.example:3128', words.verdict.closed.short, words.hops.upgrade])
    expect(page).toContain(one)
  expect(page).toContain('CT &#60;Suite&#62; &#34;3&#34; &#38; 4')
  expect(page).not.toMatch(/<script|<img|https?:|\burl\(/)
  expect(page).toContain("default-src 'none'")
})

test.each([
  ['en', passportEn],
  ['fr', passportFr],
])('R049: the text (%s) names the interceptor in a sentence to copy, and the clock', (_, words) => {
  const text = passportText(passport, words)
  expect(text).toContain(words.trouble.intercepted({ host: 'access.example', issuer }).ask)
  expect(text).toContain(words.clock.off(-450))
  expect(text).toContain('45')
})
