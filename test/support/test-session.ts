import type { AccessRequestView } from '../../shared/client-api.ts'
import { newNonce } from '../../shared/node/signing.ts'
import type { TestServer } from './main-server.ts'
import type { Tokens } from './sign-in-browser.ts'
import { signedRequest, type TestAgent } from './test-agent.ts'

/** Elena asks for the test's first device under that sign-in. */
export async function makeRequest(server: TestServer, agent: TestAgent, { access_token }: Tokens): Promise<AccessRequestView> {
  const { signed } = await signedRequest(server, server.people.elena, server.devices.mine)
  await agent.poll()
  const { request } = await server.client(access_token).call('access-request.create', { request: signed, certificate: server.people.elena.certificate })
  return request
}

/** And the device says yes and opens. */
export async function openSession(server: TestServer, agent: TestAgent, tokens: Tokens): Promise<AccessRequestView> {
  const view = await makeRequest(server, agent, tokens)
  await agent.answer(view.ticket, { kind: 'picked-up', rule: 'ask', draw: newNonce(), hostKey: agent.hostKey })
  await agent.answer(view.ticket, { kind: 'approved', by: 'person', hostKey: agent.hostKey })
  await agent.report([{ kind: 'session.opened', actor: { kind: 'agent', id: agent.device.id }, requestId: view.id, deviceId: agent.device.id }])
  return view
}
