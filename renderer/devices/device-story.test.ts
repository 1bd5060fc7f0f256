import type { DeviceRow } from '@gantry/shared/client-api.ts'
import { describe, expect, test } from 'vitest'
import { comparing, devices, nowMs, session } from '../../test/window/support/fixtures.ts'
import { createSpeech } from '../ui/language.tsx'
import { type Around, lastWord, tell } from './device-story.ts'

const around: Around = { nowMs, silentAtSite: new Map([['kestrel', 2]]), sessions: [session], requests: [comparing] }
const row = (name: string) => devices.find((device) => device.name === name) as DeviceRow
const plain = (text: string) => text.replace(/\u00a0/g, ' ')
const told = (name: string, language: 'en' | 'fr' = 'en') => {
  const { why, todo, tone } = tell(row(name), around, createSpeech(language))
  return [plain(why), plain(todo), tone]
}

describe('a row says why, then what to do', () => {
  test.each([
    ['CT Suite 3', 'Can be reached', 'Diagnostics allowed, the rest asks', 'ink'],
    ['Angio Lab B', 'Can be reached, instant pick-up', 'All levels ask a person', 'ink'],
    ['Dose Ledger', 'Can be reached', 'Diagnostics, files allowed', 'ink'],
    ['CT Emergency', 'In session with you, 41 min left', 'Open its tab', 'live'],
    ['CT 1', 'In session with Anders Holm', 'Ask Anders Holm, or wait for the end', 'live'],
    ['MR 2', 'Waiting for the person, 0:42 of 2:00', 'Call the desk: they have to press Allow', 'wait'],
    ['CT 4', 'Whole site silent for 26 min (2 devices)', 'Call site IT: their way out is down', 'danger'],
    ['CT Suite 1', 'Remote service is turned off', 'Ask the site to turn it on', 'ink'],
    ['CT 3', 'Agreement ended on 31 Oct 2026', 'Ask contracts to renew it', 'ink'],
    ['MR 3', 'Your profile holds no level here', 'Ask your supervisor for the profile', 'ink'],
    ['CT 7', 'Has not called in yet', 'Enrol it, or wait for its first poll', 'ink'],
  ])('%s', (name, why, todo, tone) => {
    expect(told(name)).toEqual([why, todo, tone])
  })

  test('in French too', () => {
    expect(told('CT 4', 'fr')).toEqual(['Tout le site muet depuis 26 min (2 appareils)', 'Appelez les TI du site : leur sortie est coupée', 'danger'])
  })
})

describe('the last word of a device', () => {
  const later = (name: string, afterMs: number, isOffline = false) => lastWord(row(name), (row(name).lastContactMs ?? 0) + afterMs, isOffline)

  test('ages as far as it is known: the main server tells of a silence and not of each poll', () => {
    expect([later('CT Suite 3', 20_000), later('CT Suite 3', 240_000), later('CT 4', 240_000)]).toEqual([20_000, 'recent', 240_000])
  })
  test('is held where the device holds its poll, however long ago that was told', () => {
    expect(later('Angio Lab B', 240_000)).toBe('held')
  })
  test('offline nothing is known of later ones', () => {
    expect([later('CT Suite 3', 240_000, true), later('Angio Lab B', 240_000, true)]).toEqual([240_000, 240_000])
  })
  test('has words of its own before the first one and in a session', () => {
    expect([later('CT 7', 0), later('CT Emergency', 240_000)]).toEqual(['never', 'now'])
  })
})
