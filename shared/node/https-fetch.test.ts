import { expect, test } from 'vitest'
import { dialTo, httpAnswer } from '../../test/support/decoders/wires.ts'
import { createHttpsFetch } from './https-fetch.ts'

const origin = 'https://main.example.com'

test('an answer that breaks off is a server that cannot be reached, wherever it breaks (D23)', async () => {
  const whole = httpAnswer(Buffer.from('{"name":"Norvane"}'))
  const ask = (said: Buffer) => createHttpsFetch({ origins: [origin], dial: dialTo(() => said) })(`${origin}/a`, { method: 'GET', headers: {} })
  expect(await (await ask(whole)).json()).toEqual({ name: 'Norvane' })
  for (const bytes of [0, 12, whole.length - 20, whole.length - 1]) {
    await expect(ask(whole.subarray(0, bytes))).rejects.toMatchObject({ code: 'server.unreachable', details: { host: 'main.example.com', hop: 'answer' } })
  }
})

test.each([199, 600, 700, 999])('an answer of status %i, which no standard knows, is a bad answer and nothing else (D23)', async (status) => {
  const said = Buffer.from(`HTTP/1.1 ${status} Odd\r\ncontent-length: 2\r\n\r\n{}`)
  const ask = createHttpsFetch({ origins: [origin], dial: dialTo(() => said) })
  await expect(ask(`${origin}/a`, { method: 'GET', headers: {} })).rejects.toMatchObject({
    code: status < 200 ? expect.stringMatching(/^server\./) : 'server.answer-bad',
  })
})
