import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createCa, issueServerCertificate } from '../../shared/node/certificates.ts'
import { createDialler } from '../../shared/node/dial.ts'
import { openLeg } from '../../shared/node/leg.ts'
import { type LegWorld, startLegWorld } from '../../test/support/access-server.ts'

// R061: an access server's certificate changes under the sessions that it carries.

let world: LegWorld
afterEach(() => world.close())

function openBoth(ticket: Awaited<ReturnType<LegWorld['ticket']>>, ca: string) {
  const { ref, sessionKey, deviceKey } = world
  const leg = { server: ref, dial: createDialler({ ca }), ticket: ticket.text, ticketId: ticket.payload.id, leg: 'control-1', epoch: 1 } as const
  return Promise.all([openLeg({ ...leg, side: 'client', key: sessionKey }), openLeg({ ...leg, side: 'agent', key: deviceKey })])
}

test('a joined pair goes on under the certificate that it met, and the next pair meets the new one', async () => {
  world = await startLegWorld()
  const audit = () => readFileSync(join(world.stateDir, 'audit.jsonl'), 'utf8')
  const [client, agent] = await openBoth(await world.ticket(), world.ca)
  const newCa = await createCa('The next servers')
  const { certificatePem, keyPem } = await issueServerCertificate(newCa, { hosts: ['127.0.0.1'] })
  writeFileSync(join(world.stateDir, '../server.key'), keyPem)
  writeFileSync(join(world.stateDir, '../server.pem'), certificatePem)
  await expect.poll(audit).toContain('server.certificate-taken')

  await expect(openBoth(await world.ticket(), world.ca)).rejects.toMatchObject({ code: 'server.identity-wrong' })
  const next = await openBoth(await world.ticket(), newCa.certificatePem)
  for (const [one, other] of [[client, agent], [agent, client], next] as const) {
    const heard = once(other, 'data')
    one.write('still here')
    expect(String((await heard)[0])).toBe('still here')
  }
  for (const stream of [client, agent, ...next]) stream.destroy()
})

test('a certificate without its key is refused in the audit, and the one before stays in use', async () => {
  world = await startLegWorld()
  const { certificatePem } = await issueServerCertificate(world.keys.ca, { hosts: ['127.0.0.1'] })
  writeFileSync(join(world.stateDir, '../server.pem'), certificatePem)
  await expect.poll(() => readFileSync(join(world.stateDir, 'audit.jsonl'), 'utf8')).toContain('"kind":"server.certificate-refused"')
  const both = await openBoth(await world.ticket(), world.ca)
  for (const stream of both) stream.destroy()
})
