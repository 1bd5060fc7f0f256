import { expect, test } from 'vitest'
import { forgery } from '../prove/forgery.ts'

/** The short set of D11; `npm run prove -- trust --only forgery` has 5,000. */
test('grants are neither replayed nor forged: a few of each kind, none opens, each refusal is audited with its reason (D11)', async () => {
  const rows = await forgery.run({ quick: true, seed: 11, say: () => undefined })
  expect(rows.length).toBeGreaterThan(30)
  expect(rows.filter(({ holds }) => holds === false)).toEqual([])
})
