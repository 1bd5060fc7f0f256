import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import type { RunningSandbox } from '../e2e/support/sandbox.ts'
import { type Row, row } from './proof.ts'
import { deviceId, openDriver } from './world/desk.ts'

const Noted = z.object({ program: z.string(), port: z.number(), inside: z.boolean(), protocol: z.string(), name: z.string() })
const wanted = 'X25519MLKEM768'

/** By what the keys of every TLS connection of a client that is signed in are agreed, in a session with a shell and a file (D31). */
export async function keyExchange({ dir, facts }: RunningSandbox): Promise<Row[]> {
  const file = join(dir, 'noted.jsonl')
  const hook = pathToFileURL(join(import.meta.dirname, 'world/note-key-exchange.ts')).href
  const driver = openDriver([], dir, join(dir, 'driver.log'), { NODE_OPTIONS: `--import=${hook}`, GANTRY_NOTED: file })
  try {
    const { client } = driver
    writeFileSync(join(facts.devices[0]?.filesRoot ?? '', 'noted.txt'), 'a file', { mode: 0o644 })
    const { requestId } = await client.call('session.open', { device: deviceId, access: 'os' })
    await client.call('shell.open', { requestId })
    await client.call('transfer.run', { requestId, direction: 'get', from: '/noted.txt', to: join(dir, 'fetched') })
    await client.call('session.end', { requestId })
  } finally {
    driver.child.kill()
  }
  const noted = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => Noted.parse(JSON.parse(line)))
  return waysOf(facts).map(({ name, is }) => {
    const seen = noted.filter(is)
    const others = seen.filter((one) => one.name !== wanted || one.protocol !== 'TLSv1.3')
    const found = [`${seen.length - others.length} of ${seen.length}`, ...new Set(others.map((one) => `${one.protocol} ${one.name}`))].join('; ')
    return row(`${name}: connections whose keys were agreed by ${wanted}, TLS 1.3`, 'all, at least 1', found, seen.length > 0 && others.length === 0)
  })
}

type Way = { name: string; is: (one: z.infer<typeof Noted>) => boolean }

function waysOf({ mainServer, accessServers }: RunningSandbox['facts']): Way[] {
  const ports = (origins: string[]) => origins.map((origin) => Number(new URL(origin).port))
  const to = (origins: string[]) => (one: z.infer<typeof Noted>) => !one.inside && ports(origins).includes(one.port)
  return [
    { name: 'the client, to the main server', is: to([mainServer]) },
    { name: 'the client, to access servers', is: to(accessServers) },
    { name: 'the files leg, from the client to the device inside those', is: ({ inside }) => inside },
  ]
}
