import { expect, test } from 'vitest'
import { otherUser } from '../prove/other-user.ts'
import { secrets } from '../prove/secrets.ts'

/** The short sets of D20 and D22; `npm run prove -- trust` has the whole ones. */
const run = { quick: true, seed: 20, say: () => undefined }
const isRoot = process.getuid?.() === 0

test('a client that is killed, once in each state, leaves no secret behind; without a keychain it keeps none (D20)', async () => {
  const rows = await secrets.run(run)
  expect(rows.length).toBeGreaterThan(10)
  expect(rows.filter(({ holds }) => holds === false)).toEqual([])
})

test.runIf(isRoot)('another account of the machine gets nothing of desktop, device or servers (D22)', async () => {
  const rows = await otherUser.run(run)
  expect(rows.length).toBeGreaterThan(20)
  expect(rows.filter(({ holds }) => holds === false)).toEqual([])
})
