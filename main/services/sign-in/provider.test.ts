import { createHttpsFetch } from '@gantry/shared/node/https-fetch.ts'
import { expect, test, vi } from 'vitest'
import { dialTo, httpAnswer } from '../../../test/support/decoders/wires.ts'
import { openProvider } from './provider.ts'

const issuer = 'https://main.example.com/oidc'

test.each([
  ['none', undefined],
  ['one without TLS', 'http://main.example.com/oidc/auth'],
])('a provider that names %s to sign in at is refused before anything listens for its answer (D21, D23)', async (_, authorization_endpoint) => {
  const said = httpAnswer(Buffer.from(JSON.stringify({ issuer, authorization_endpoint, token_endpoint: `${issuer}/token` })))
  const fetch = createHttpsFetch({ origins: ['https://main.example.com'], dial: dialTo(() => said) })
  const provider = await openProvider({ issuer, clientId: 'gantry-desktop' }, fetch)
  const listen = vi.fn(async () => 'http://127.0.0.1:1/callback')
  await expect(provider.begin({ language: 'en', replaces: null }, listen)).rejects.toMatchObject({ code: 'auth.callback-refused' })
  expect(listen).not.toHaveBeenCalled()
})
