import { type ClientApi, clientApi } from '../../shared/client-api.ts'
import type { Input } from '../../shared/contract.ts'
import { newId } from '../../shared/ids.ts'
import { generateSigningKey, newNonce, signJws } from '../../shared/node/signing.ts'
import { createTestServer, type TestServer } from './main-server.ts'
import { enrolAgent, signedRequest } from './test-agent.ts'

/** All by which a request can name a device, or what belongs to one. */
export type Place = { deviceId: string; requestId: string; customerId: string; number: string }
/** One person's main server with what her profile hides, and the names of nothing. */
export type HiddenWorld = { server: TestServer; token: string; hidden: Place; absent: Place }

/** Elena is signed in; Tomas has a request and a case at the device that she must not learn of. */
export async function createHiddenWorld(): Promise<HiddenWorld> {
  let customerId = ''
  const server = await createTestServer({}, (seed, { tomas }) => {
    const profile = seed.specialists.find(({ id }) => id === tomas.id)?.profile
    const [grants, all] = [seed.profiles.find(({ id }) => id === profile)?.grants, seed.profiles[0]?.grants[0]]
    const theirs = seed.customers[1]?.id
    if (!grants || !all || !theirs) throw new Error('the seed is another one')
    customerId = theirs
    grants.push({ ...all, customers: [theirs] })
  })
  await (await enrolAgent(server, server.devices.hidden)).poll()
  const { tomas, elena } = server.people
  const { signed, payload } = await signedRequest(server, tomas, server.devices.hidden)
  const his = server.client((await server.signIn(tomas)).access_token)
  await his.call('access-request.create', { request: signed, certificate: tomas.certificate })
  const hidden = { deviceId: server.devices.hidden.id, requestId: payload.id, customerId, number: payload.caseId }
  const absent = { deviceId: newId('dev'), requestId: newId('req'), customerId: newId('cus'), number: payload.caseId }
  return { server, token: (await server.signIn(elena)).access_token, hidden, absent }
}

export type Probe<N extends keyof ClientApi> = 'names nothing' | ((world: HiddenWorld, place: Place) => Input<ClientApi, N> | Promise<Input<ClientApi, N>>)

const withdrawal = ({ server }: HiddenWorld, { deviceId, requestId }: Place) => {
  const { id: specialistId, keys } = server.people.elena
  return signJws('withdrawal', { version: 1, requestId, deviceId, specialistId, kind: 'end', at: Math.floor(server.now() / 1_000) }, keys.specialist)
}
const requestOf = (place: Place) => ({ requestId: place.requestId as never })
const caseOf = ({ customerId, number }: Place) => ({ customerId: customerId as never, number })
const reason = 'Needs somebody who knows the console'

/** Every endpoint of the contract has a line here, or this does not compile. */
export const probes: { [N in keyof ClientApi]: Probe<N> } = {
  'specialist.me': 'names nothing',
  'specialist.end-sign-in': 'names nothing',
  'device.list': 'names nothing',
  'device.show': (_, { deviceId }) => ({ deviceId: deviceId as never }),
  'access-request.create': async ({ server }, { deviceId }) => {
    const { elena } = server.people
    return { request: (await signedRequest(server, elena, { id: deviceId } as never)).signed, certificate: elena.certificate }
  },
  'access-request.reveal': (_, place) => ({ ...requestOf(place), nonce: newNonce() }),
  'access-request.cancel': async (world, place) => ({ ...requestOf(place), withdrawal: await withdrawal(world, place) }),
  'access-request.show': (_, place) => requestOf(place),
  'access-request.list': 'names nothing',
  'case.list': 'names nothing',
  'case.colleagues': (_, place) => caseOf(place),
  'case.escalate': (_, place) => ({ ...caseOf(place), to: 'tomas', reason }),
  'case.close': (_, place) => ({ ...caseOf(place), resolution: reason }),
  'head.exchange': async (_, place) => {
    const head = await signJws('head', { version: 1, logId: newId('log'), seq: 1, hash: newNonce(), at: 1 }, generateSigningKey())
    return { head, ...requestOf(place) }
  },
}

export const probedNames = Object.keys(clientApi) as (keyof ClientApi)[]
