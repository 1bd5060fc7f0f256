import { describe, expect, test } from 'vitest'
import { createFormat } from './format.ts'

const en = createFormat('en')
const fr = createFormat('fr')
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ')
const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000]

describe('numbers and times as a person reads them', () => {
  test.each([
    [0, '0 B', '0 o'],
    [999, '999 B', '999 o'],
    [1_800, '1.8 KB', '1,8 Ko'],
    [212_400_000, '212.4 MB', '212,4 Mo'],
    [84e9, '84.0 GB', '84,0 Go'],
    [5e15, '5,000.0 TB', '5 000,0 To'],
  ])('%d bytes', (bytes, english, french) => {
    expect(plain(en.bytes(bytes))).toBe(english)
    expect(plain(fr.bytes(bytes))).toBe(french)
  })

  test('two amounts share the unit of the larger', () => {
    expect(en.bytesOf(141_000_000, 212_400_000).map(plain)).toEqual(['141', '212 MB'])
    expect(fr.bytesOf(0, 1_800).map(plain)).toEqual(['0,0', '1,8 Ko'])
    expect(en.bytesOf(7, 20).map(plain)).toEqual(['7', '20 B'])
  })

  test('French says 14 h 05 in a sentence and 14:05 in a column, in the time zone of the site', () => {
    const at = Date.parse('2026-11-20T19:05:00Z')
    expect(fr.time(at, 'America/Toronto')).toBe('14:05')
    expect(plain(fr.timeInSentence(at, 'America/Toronto'))).toBe('14 h 05')
    expect(en.timeInSentence(at, 'America/Toronto')).toBe('14:05')
    expect(plain(fr.timeInSentence(Date.parse('2026-11-20T14:00:00Z'), 'America/Toronto'))).toBe('9 h')
  })

  test('a calendar date is the same in every time zone', () => {
    expect(en.date('2027-06-30')).toBe('30 Jun 2027')
    expect(plain(fr.date('2027-06-30'))).toBe('30 juin 2027')
  })

  test.each([
    [12 * second, '12 s', '12 s'],
    [26 * minute, '26 min', '26 min'],
    [4 * hour + 8 * minute, '4 h 08', '4 h 08'],
    [2 * day, '2 d', '2 j'],
    [-5 * second, '0 s', '0 s'],
  ])('an age of %d ms has one unit', (ms, english, french) => {
    expect(plain(en.age(ms))).toBe(english)
    expect(plain(fr.age(ms))).toBe(french)
  })

  test('a countdown never goes below zero and shows hours only where there are some', () => {
    expect(en.countdown(41 * minute + 12 * second)).toBe('41:12')
    expect(en.countdown(-1)).toBe('0:00')
    expect(en.countdown(2 * hour + 3 * minute + 4 * second)).toBe('2:03:04')
  })

  test('what a step took has tenths while they tell something', () => {
    expect(plain(en.took(400))).toBe('0.4 s')
    expect(plain(fr.took(11_300))).toBe('11,3 s')
    expect(plain(en.took(44_000))).toBe('44 s')
    expect(en.took(125_000)).toBe('2:05')
  })

  test('a share is rounded down: 100 % is said only when all is there', () => {
    expect(plain(en.percent(0.9999))).toBe('99 %')
    expect(plain(en.percent(1))).toBe('100 %')
  })
})
