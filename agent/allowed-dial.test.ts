import type { TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { allowListOf } from '../shared/allow-list.ts'
import type { NewAuditEvent } from '../shared/audit.ts'
import { AppError } from '../shared/errors.ts'
import type { Dial } from '../shared/node/dial.ts'
import { createAllowedDial } from './allowed-dial.ts'
import { silentLog } from './log.ts'

const list = allowListOf({
  device: 'CT Suite 3',
  proxy: null,
  mainServers: [{ enrolOrigin: 'https://people.gantry.example', agentOrigin: 'https://agents.gantry.example' }],
  accessServers: [{ name: 'access-1', site: 'East', host: 'east.gantry.example', port: 443 }],
  addresses: { 'east.gantry.example': ['192.0.2.7'] },
})

function open(answer: Dial = async () => ({}) as TLSSocket) {
  const dialled: unknown[] = []
  const events: NewAuditEvent[] = []
  const dial = createAllowedDial(
    async (target) => {
      dialled.push(target)
      return answer(target)
    },
    { allowList: () => list, audit: (event) => events.push(event), log: silentLog },
  )
  return { dial, dialled, events }
}

test.each([
  ['elsewhere.example', 443],
  ['east.gantry.example', 8080],
  ['192.0.2.7', 443],
  ['east.gantry.example.evil.example', 443],
])('R042, R047: %s:%i is not on the list: refused before anything is asked, and audited once', async (host, port) => {
  const { dial, dialled, events } = open()
  for (let tries = 0; tries < 3; tries += 1) await expect(dial({ host, port })).rejects.toMatchObject({ code: 'server.not-allowed', details: { host, port } })
  expect(dialled).toEqual([])
  expect(events).toEqual([{ kind: 'device.server-refused', actor: { kind: 'unknown' }, data: { code: 'server.not-allowed', host, port } }])
})

test('a host of the list is dialled, however its name is written', async () => {
  const { dial, dialled, events } = open()
  for (const host of ['east.gantry.example', 'East.Gantry.Example', 'agents.gantry.example']) await dial({ host, port: 443 })
  expect(dialled).toHaveLength(3)
  expect(events).toEqual([])
})

test('R042: an impostor at a listed name is audited, once while it is the same one', async () => {
  let issuer = 'Somebody'
  const { dial, events } = open(() => Promise.reject(new AppError('server.identity-wrong', { details: { host: 'east.gantry.example', issuer } })))
  const refused = () => expect(dial({ host: 'east.gantry.example', port: 443 })).rejects.toMatchObject({ code: 'server.identity-wrong' })
  await refused()
  await refused()
  issuer = 'Somebody else'
  await refused()
  expect(events.map(({ data }) => data?.issuer)).toEqual(['Somebody', 'Somebody else'])
})
