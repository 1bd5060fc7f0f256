import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AppError } from '../../shared/errors.ts'
import type { Opening } from '../../shared/leg.ts'
import { openingHead } from '../../shared/node/leg.ts'
import { parseOpeningHead } from './opening-head.ts'

const opening: Opening = { version: 1, ticket: 'a.b.c', side: 'agent', leg: 'files-12', epoch: 3, link: 'none' }
const head = openingHead({ host: '127.0.0.1', port: 443 }, opening).slice(0, -4)

/** What it gives, or the code and field of what it throws; anything else than a failure of ours fails the test. */
function outcome(text: string | Uint8Array): unknown {
  try {
    return parseOpeningHead(Buffer.from(text as string))
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return [error.code, error.details?.field]
  }
}

describe('the opening head', () => {
  test('that both ends send is understood, whatever the case of its header names', () => {
    expect(outcome(head)).toEqual({ what: 'tunnel', opening })
    expect(outcome(head.replace('Gantry-Opening', 'gantry-OPENING'))).toEqual({ what: 'tunnel', opening })
  })

  test('of a self-test asks for its own protocol', () => {
    const check = 'GET /check HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: gantry-check/1'
    expect(outcome(check)).toEqual({ what: 'check' })
    expect(outcome(check.replace('gantry-check/1', 'websocket'))).toEqual(['contract.bad-input', 'upgrade'])
    expect(outcome(check.replace('\r\nConnection: Upgrade', ''))).toEqual(['contract.bad-input', 'connection'])
  })

  test('of a health check may hold more headers, as load balancers send', () => {
    expect(outcome('GET /healthz HTTP/1.1\r\nHost: x\r\nUser-Agent: probe/1\r\nAccept: */*')).toEqual({ what: 'health' })
  })

  test.each([
    ['a bare line feed', head.replaceAll('\r\n', '\n'), 'request-line'],
    ['a space before the colon', head.replace('Host:', 'Host :'), 'header'],
    ['a control character', head.replace('Host: 1', 'Host: \u0000'), 'header'],
    ['no host', head.replace(/Host: .*\r\n/, ''), 'host'],
    ['a chunked body', `${head}\r\nTransfer-Encoding: chunked`, 'body'],
    ['another protocol', head.replace('gantry-tunnel/1', 'websocket'), 'upgrade'],
    ['a list of connections', head.replace('Connection: Upgrade', 'Connection: keep-alive, Upgrade'), 'connection'],
    ['the opening twice', `${head}\r\n${head.split('\r\n').at(-1)}`, 'gantry-opening'],
    ['a further space', head.replace('GET ', 'GET  '), 'request-line'],
    ['too many headers', `GET /healthz HTTP/1.1\r\nHost: x${'\r\nA: b'.repeat(50)}`, 'headers'],
  ])('%s is refused', (_what, text, field) => {
    expect(outcome(text)).toEqual(['contract.bad-input', field])
  })

  test('whatever bytes come, it gives an answer or a refusal (fuzz)', () => {
    const junk = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.string({ maxLength: 400 }).map((text) => Buffer.from(text)),
    )
    fc.assert(
      fc.property(junk, (bytes) => void outcome(bytes)),
      { numRuns: 2_000 },
    )
  })

  test('a head with one byte changed never becomes another opening (fuzz)', () => {
    const change = fc.tuple(fc.nat(head.length - 1), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(change, ([at, byte]) => {
        const bytes = Buffer.from(head)
        bytes[at] = byte
        const result = outcome(bytes)
        if (!Array.isArray(result) && JSON.stringify(result) !== JSON.stringify({ what: 'tunnel', opening })) {
          // What the opening says is proved by ticket and admission, not by this parser; its shape must hold all the same.
          expect(result).toMatchObject({ what: 'tunnel', opening: { version: 1, leg: expect.stringMatching(/^(control-[1-9]|files-\d+)$/) } })
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('an opening of any JSON value is one of the right shape or refused (fuzz)', () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.record({
        version: fc.constantFrom(1, 2),
        ticket: fc.string(),
        side: fc.constantFrom('agent', 'client', 'x'),
        leg: fc.string(),
        epoch: fc.integer(),
        link: fc.constantFrom('none', 1, 2),
      }),
    )
    fc.assert(
      fc.property(value, (json) => {
        const text = head.replace(/Gantry-Opening: .*/, `Gantry-Opening: ${Buffer.from(JSON.stringify(json)).toString('base64url')}`)
        const result = outcome(text)
        if (Array.isArray(result)) expect(result).toEqual(['contract.bad-input', 'gantry-opening'])
        else expect(result).toMatchObject({ what: 'tunnel' })
      }),
      { numRuns: 1_000 },
    )
  })
})
