import { describe, expect, test } from 'vitest'
import { AccessState, canMove, isFinal } from './access-request.ts'
import { errorCodes } from './errors.ts'
import { newId, RequestId } from './ids.ts'
import { AccessLevel, accessLevels, includesLevel } from './profile.ts'
import { errorWords } from './words/errors.ts'

describe('the life of a request', () => {
  test('nobody is let in without approval: open is reached from approved alone (R065, R080)', () => {
    const from = AccessState.options.filter((state) => canMove(state, 'open'))
    expect(from).toEqual(['approved'])
    expect(AccessState.options.filter((state) => canMove(state, 'approved'))).toEqual(['picked-up', 'asking'])
  })

  test('an end is an end', () => {
    for (const state of AccessState.options.filter(isFinal)) for (const to of AccessState.options) expect(canMove(state, to)).toBe(false)
    expect(AccessState.options.filter(isFinal)).toEqual(['refused', 'cancelled', 'expired', 'ended'])
  })
})

test('each access level holds those before it and none after it (R072)', () => {
  for (const granted of AccessLevel.options) {
    const held = accessLevels.filter((needed) => includesLevel(granted, needed))
    expect(held).toEqual(accessLevels.slice(0, accessLevels.indexOf(granted) + 1))
  }
})

test('every failure says what happened and what to do, in both languages (R117)', () => {
  for (const code of Object.keys(errorCodes) as (keyof typeof errorCodes)[]) {
    for (const language of ['en', 'fr'] as const) {
      const { what, todo } = errorWords({ code }, language)
      expect(what.length, code).toBeGreaterThan(8)
      expect(todo.length, code).toBeGreaterThan(3)
      expect(`${what} ${todo}`, code).not.toMatch(/undefined|null|\[object/)
    }
  }
})

test('an id has its prefix and enough chance in it to be unguessable', () => {
  const ids = new Set(Array.from({ length: 200 }, () => newId('req')))
  expect(ids.size).toBe(200)
  for (const id of ids) expect(RequestId.safeParse(id).success).toBe(true)
})
