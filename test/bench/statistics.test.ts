import { describe, expect, test } from 'vitest'
import { judge } from './figures.ts'
import { parseOptions } from './options.ts'
import { quantile, ratios, short, slope, spread } from './statistics.ts'
import { cpuLines, figureLines, marks, withMeasured } from './table.ts'

describe('statistics of the benchmark (D25)', () => {
  test('a quantile is a value that was measured, by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)
    expect([0, 0.5, 0.95, 0.99, 1].map((q) => quantile(hundred, q))).toEqual([1, 50, 95, 99, 100])
    expect(quantile([3], 0.99)).toBe(3)
    expect(spread([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 })
  })

  test('no samples, or one that is no number, give no figure', () => {
    expect(() => quantile([], 0.5)).toThrow()
    expect(() => quantile([1, Number.NaN], 0.5)).toThrow()
    expect(() => spread([1, Number.POSITIVE_INFINITY])).toThrow()
  })

  test('ratios are taken round by round, and a lost round is no ratio', () => {
    expect(ratios([2, 9], [1, 3])).toEqual([2, 3])
    expect(() => ratios([1, 2], [1])).toThrow()
  })

  test('the slope is what one more costs, whatever the first ones cost', () => {
    expect(slope([0, 100, 200].map((x) => ({ x, y: 5_000 + 7 * x })))).toBeCloseTo(7)
    expect(() => slope([{ x: 1, y: 1 }])).toThrow()
  })

  test('three digits that count', () => {
    expect([0.0512, 1.2345, 45.67, 678.9, 1_234, 0].map(short)).toEqual(['0.051', '1.23', '45.7', '679', '1234', '0'])
  })
})

describe('the table of the benchmark', () => {
  const figure = { id: 'echo-p99', value: 1.4, min: 1.2, max: 2, rounds: 5, ours: '0.9 ms', theirs: '0.6 ms' }

  test('where less is better, a figure reaches its aim from below', () => {
    const echo = { better: 'lower', floor: 4, aim: 1.5 } as const
    const get = { better: 'higher', floor: 1.2, aim: 2 } as const
    expect([1.5, 3, 4.1].map((value) => judge(echo, value))).toEqual(['aim', 'floor', 'below'])
    expect([2, 1.3, 1].map((value) => judge(get, value))).toEqual(['aim', 'floor', 'below'])
  })

  test('a line holds the figure, its range, both sides and the marks', () => {
    const [, , line] = figureLines([figure])
    expect(line).toContain('| 1.40 | 1.20 – 2.00 (5) | 0.9 ms | 0.6 ms | 4.00 | 1.50 | reaches the aim |')
  })

  test('a figure whose peer is missing says so and shows no number', () => {
    const [, , line] = figureLines([{ id: 'echo-p99', missing: 'peer missing: openssh-server' }])
    expect(line).toContain('| – | – | – | – | 4.00 | 1.50 | peer missing: openssh-server |')
  })

  test('CPU is shown by cost, without what costs nothing', () => {
    expect(cpuLines({ get: { Gantry: { agent: 0.5, client: 1, supervisor: 0.001 } } })[2]).toBe('| get | Gantry | 1.50 | client 1.00, agent 0.500 |')
  })

  test('only the measured part of the page is replaced', () => {
    const page = `before\n${marks.begin}\nold\n${marks.end}\nafter`
    expect(withMeasured(page, 'new')).toBe(`before\n${marks.begin}\n\nnew\n\n${marks.end}\nafter`)
    expect(() => withMeasured('no marks', 'new')).toThrow()
  })
})

describe('options of the benchmark', () => {
  test('rows by name, in the table’s order; an unknown one is refused', () => {
    expect(parseOptions(['--only', 'files,echo']).rows).toEqual(['echo', 'files'])
    expect(() => parseOptions(['--only', 'ehco'])).toThrow()
    expect(() => parseOptions(['--rounds', '0'])).toThrow()
  })

  test('the page is written by a whole run only', () => {
    expect(parseOptions(['--write']).write).toBe(true)
    for (const part of [['--quick'], ['--only', 'echo'], ['--rounds', '2']]) expect(() => parseOptions(['--write', ...part])).toThrow()
  })
})
