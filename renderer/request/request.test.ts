import type { DeviceRow } from '@gantry/shared/client-api.ts'
import { windowWords } from '@gantry/shared/words/window.ts'
import { describe, expect, test } from 'vitest'
import { asking, devices, nowMs, refused } from '../../test/window/support/fixtures.ts'
import { emptyDraft, missingIn } from './request-draft.ts'
import { stepsOf } from './request-steps.ts'
import { isAsking } from './request-store.ts'
import { groupedCode, spokenCode } from './spoken-code.ts'

describe('the matching code is said as it is read', () => {
  test('digit by digit, three and three, in both languages', () => {
    expect(groupedCode('482917')).toBe('482 917')
    expect(spokenCode('482917', windowWords.en.request.digits)).toBe('four eight two, nine one seven')
    expect(spokenCode('000650', windowWords.fr.request.digits)).toBe('zéro zéro zéro, six cinq zéro')
  })
})

describe('the way of a request', () => {
  test('what was reached is done, the next is going on, the rest is to come', () => {
    expect(stepsOf(asking).map(({ key, state }) => `${key} ${state}`)).toEqual(['signed done', 'checked done', 'picked-up done', 'answer now', 'joined next'])
  })

  test('each step counts from the one before it', () => {
    const steps = stepsOf(asking)
    expect(steps.find(({ key }) => key === 'picked-up')).toMatchObject({ sinceMs: nowMs - 53_600, atMs: nowMs - 42_300 })
    expect(steps.find(({ key }) => key === 'answer')).toMatchObject({ sinceMs: nowMs - 42_300, atMs: null })
  })

  test('a refusal stops it where it stood, and nothing goes on', () => {
    expect(stepsOf(refused).map(({ state }) => state)).toEqual(['done', 'done', 'done', 'stopped', 'next'])
    expect(isAsking(refused)).toBe(false)
  })

  test('a failure before any step stops at the first', () => {
    expect(stepsOf({ ...asking, steps: [], failure: { code: 'server.unreachable' } })[0]).toMatchObject({ key: 'signed', state: 'stopped' })
  })

  test('allowed by rule, nobody is waited for between pick-up and joining', () => {
    const steps = [
      ...asking.steps.filter(({ name }) => name === 'signed' || name === 'checked' || name === 'picked-up'),
      { name: 'approved' as const, atMs: nowMs },
    ]
    expect(stepsOf({ ...asking, state: 'approved', steps }).map(({ state }) => state)).toEqual(['done', 'done', 'done', 'done', 'now'])
  })
})

describe('a request starts at the least level that is open', () => {
  const device = devices[0] as DeviceRow
  test('and not at one that the profile or the device closes', () => {
    expect(emptyDraft(device).access).toBe('diagnostics')
    expect(emptyDraft({ ...device, levels: ['files', 'os'] }).access).toBe('files')
    expect(emptyDraft({ ...device, rules: { diagnostics: 'deny', files: 'deny', application: 'ask', os: 'ask' } }).access).toBe('application')
    expect(emptyDraft({ ...device, levels: [] }).access).toBeNull()
    expect(emptyDraft({ ...device, rules: { diagnostics: 'allow', files: 'ask', application: 'ask', os: 'deny' } }, 'os').access).toBe('diagnostics')
  })

  test('case and reason are asked for, blanks do not count', () => {
    const draft = { ...emptyDraft(device), caseId: '48213', reason: 'slow' }
    expect(missingIn(draft)).toBeNull()
    expect(missingIn({ ...draft, caseId: '  ' })).toBe('caseId')
    expect(missingIn({ ...draft, reason: '\n' })).toBe('reason')
    expect(missingIn({ ...draft, access: null })).toBe('level')
  })
})
