import { type ClientApi, clientApi } from '@gantry/shared/client-api.ts'
import { newNonce } from '@gantry/shared/node/signing.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { createHiddenWorld, type HiddenWorld, type Probe, probedNames, probes } from '../../test/support/hidden-world.ts'
import { askAs } from '../../test/support/sign-in-browser.ts'

// R073: what a profile hides answers everywhere as what is not there, octet for octet; in the same time, too: `npm run prove -- trust --only hidden`.

let world: HiddenWorld
beforeAll(async () => {
  world = await createHiddenWorld()
})
afterAll(() => world.server.close())

async function ask(name: keyof ClientApi, input: unknown) {
  const { server, token } = world
  const headers = { 'content-type': 'application/json' }
  const answer = await askAs(token, `${server.origin}/api/v1/${name}`, server.ca, { method: 'POST', headers, body: JSON.stringify(input) })
  const { date: _, 'dpop-nonce': __, ...same } = answer.headers
  // The main server's own head is another one after each event; it tells of no device.
  return { ...answer, headers: same, text: answer.text.replace(/"head":"[\w.-]+"/, '"head":"…"') }
}

test.each(probedNames)('%s: of a hidden device and of none comes one and the same answer (R073)', async (name) => {
  const probe = probes[name] as Probe<'device.show'>
  const { hidden, absent } = world
  if (probe === 'names nothing') {
    // A member that comes to such an input later has to be tried. A place is of the caller's own sign-ins (`sign-in/elsewhere.test.ts`).
    const { properties = {} } = z.toJSONSchema(clientApi[name].input, { io: 'input', unrepresentable: 'any' })
    expect(Object.keys(properties).filter((member) => !['limit', 'place'].includes(member))).toEqual([])
    const { text, status } = await ask(name, 'place' in properties ? { place: newNonce() } : {})
    expect(status).toBe(200)
    for (const word of [hidden.deviceId, hidden.requestId, hidden.customerId, 'MR 1']) expect(text).not.toContain(word)
    return
  }
  const [ofHidden, ofNone] = [await ask(name, await probe(world, hidden)), await ask(name, await probe(world, absent))]
  expect(ofHidden).toEqual(ofNone)
  const failure = /^\{"ok":false,"failure":\{"code":"(device|access|case)\.unknown"\}\}$/
  if (name !== 'head.exchange') expect(ofHidden).toMatchObject({ status: 404, text: expect.stringMatching(failure) })
})
