import type { DeviceRow } from '@gantry/shared/client-api.ts'
import { describe, expect, test } from 'vitest'
import { comparing, devices, nowMs, session } from '../../test/window/support/fixtures.ts'
import { createSpeech } from '../ui/language.tsx'
import { type Around, tell } from './device-story.ts'

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
