import { afterEach, describe, expect, test } from 'vitest'
import { createTestServer, nothingElse, type TestServer } from '../../test/support/main-server.ts'
import { enrolAgent } from '../../test/support/test-agent.ts'
import type { Seed } from './seed.ts'

let server: TestServer
afterEach(() => server.close())

/** Stops the server, lets `change` work on the seed file, starts it again. */
async function reseed(change: (seed: Seed) => void): Promise<void> {
  server.changeSeed(change)
  await server.stop()
  await server.start()
}

describe('a changed seed', () => {
  test('brings names, profiles and passwords up to date, and leaves what devices told alone', async () => {
    server = await createTestServer()
    const agent = await enrolAgent(server, server.devices.mine)
    await agent.poll({ softwareVersion: '7.0' })
    const { elena } = server.people
    await reseed(({ customers, specialists, profiles }) => {
      const device = customers[0]?.sites[0]?.devices[0]
      if (device) device.name = 'CT Suite 3b'
      for (const person of specialists) person.password = `${person.password} and more`
      for (const profile of profiles) profile.grants = [{ devices: [server.devices.mine.id], levels: ['diagnostics'], ...nothingElse }]
    })
    await agent.poll({ softwareVersion: '7.0' })
    const { access_token } = await server.signIn({ ...elena, password: `${elena.password} and more` })
    const { devices } = await server.client(access_token).call('device.list', {})
    expect(devices).toMatchObject([{ name: 'CT Suite 3b', softwareVersion: '7.0', levels: ['diagnostics'] }])
    expect((await server.signIn(elena)).access_token).toBeUndefined()
  })

  test('that does not fit stops the start and names the field; the old state is as it was', async () => {
    server = await createTestServer()
    await expect(
      reseed(({ specialists }) => {
        for (const person of specialists) person.username = 'Not A Name'
      }),
    ).rejects.toMatchObject({ code: 'state.unreadable', details: { what: 'seed', field: 'specialists.0.username' } })
    await reseed(({ specialists }) => {
      for (const [place, person] of specialists.entries()) person.username = place === 0 ? 'elena' : 'tomas'
    })
    expect((await server.signIn(server.people.elena)).access_token).toBeTruthy()
  })

  test('names each person of a provider once: by issuer and subject there is one account (R068)', async () => {
    server = await createTestServer()
    const identity = (subject: string) => ({ issuer: 'https://login.example', subject })
    const give = (subjects: string[]) => (seed: Seed) => {
      for (const [place, person] of seed.specialists.entries()) person.identity = identity(subjects[place] ?? '')
    }
    await expect(reseed(give(['one', 'one']))).rejects.toMatchObject({ code: 'state.unreadable', details: { what: 'seed', field: 'specialists.1.identity' } })
    await reseed(give(['one', 'two']))
    // Two people change theirs: at no moment has anybody the other's.
    await reseed(give(['two', 'one']))
    expect((await server.signIn(server.people.elena)).access_token).toBeTruthy()
    await reseed(({ specialists: [elena, tomas] }) => {
      if (elena && tomas) Object.assign(tomas, { identity: { ...identity('two'), issuer: 'https://other.example' } })
    })
  })

  test.each([
    ['a person with neither password nor identity', { password: undefined }, 'identity'],
    ['a password without a second factor', { totpSecret: undefined }, 'totpSecret'],
    ['an issuer without https', { identity: { issuer: 'http://login.example', subject: 'one' } }, 'identity.issuer'],
  ])('is refused with %s (R065, R070)', async (_what, change, field) => {
    server = await createTestServer()
    await expect(reseed(({ specialists: [elena] }) => void Object.assign(elena ?? {}, change))).rejects.toMatchObject({
      code: 'state.unreadable',
      details: { what: 'seed', field: `specialists.0.${field}` },
    })
  })

  test('is refused with terms that have no version: an agreement cannot be entered without one (R016)', async () => {
    server = await createTestServer()
    const forget = ({ customers }: Seed) => void Object.assign(customers[0]?.sites[0]?.devices[0]?.entitlement?.terms ?? {}, { version: undefined })
    await expect(reseed(forget)).rejects.toMatchObject({
      code: 'state.unreadable',
      details: { what: 'seed', field: 'customers.0.sites.0.devices.0.entitlement.terms.version' },
    })
  })

  test('may take a password away: then none fits', async () => {
    server = await createTestServer()
    const { elena } = server.people
    await reseed(
      ({ specialists: [person] }) => void Object.assign(person ?? {}, { password: undefined, identity: { issuer: 'https://login.example', subject: 'one' } }),
    )
    for (const password of [elena.password, '']) expect((await server.signIn({ ...elena, password })).access_token).toBeUndefined()
  })
})
