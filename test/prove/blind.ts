import { randomBytes } from 'node:crypto'
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { filesBelow, formsOf, searchMemory } from './canaries.ts'
import { type Proof, row } from './proof.ts'
import { deviceId } from './world/desk.ts'
import { openWorld, type World } from './world/world.ts'

export const blind: Proof = {
  name: 'blind',
  title: 'An access server knows nothing of what it carries',
  covers: ['D10', 'R042', 'R059'],
  method:
    'Topology T. Sessions whose shell shows a canary and whose file is full of another; then the whole memory of both access servers (/proc/PID/mem), their state folders and their logs are searched for both, as they are, in hexadecimal, base64 and UTF-16. The search is tried on the client, which must have them.',
  async run({ quick, say }) {
    const world = await openWorld()
    try {
      const canaries = [`canary-${randomBytes(12).toString('hex')}`, `canary-${randomBytes(12).toString('hex')}`] as const
      const sessions = quick ? 3 : 100
      await carry(world, canaries, sessions)
      const forms = canaries.flatMap(formsOf)
      const rows = []
      for (const [name, pid] of [
        ['access server 1', world.pidOf('access-server-1')],
        ['access server 2', world.pidOf('access-server-2')],
      ] as const) {
        const memory = searchMemory(pid, forms)
        say(`${name}: ${memory.found} in ${Math.round(memory.bytes / 1_048_576)} MiB`)
        rows.push(
          row(
            `${name}: canaries in ${Math.round(memory.bytes / 1_048_576)} MiB of memory after ${sessions} sessions`,
            '0',
            String(memory.found),
            memory.found === 0,
          ),
        )
      }
      const disk = ['access-server-1', 'access-server-2', 'sandbox/logs'].flatMap((folder) => filesBelow(join(world.dir, folder)))
      const onDisk = disk.filter((path) => forms.some((form) => readFileSync(path).includes(form)))
      const control = searchMemory(world.clientPid, forms)
      return [
        ...rows,
        row(`canaries in ${disk.length} files of their state and of every part’s log`, '0', String(onDisk.length), onDisk.length === 0),
        row('the search finds them where they are: in the client', '> 0', String(control.found), control.found > 0),
      ]
    } finally {
      await world.close()
    }
  },
}

async function carry({ client, dir, facts }: World, [spoken, written]: readonly [string, string], sessions: number): Promise<void> {
  const there = join(facts.devices[0]?.filesRoot ?? '', 'canary.txt')
  writeFileSync(there, `${written}\n`.repeat(4_000))
  chownSync(there, 65_534, 65_534)
  const to = join(dir, 'got')
  mkdirSync(to, { recursive: true })
  for (let index = 0; index < sessions; index += 1) {
    const { requestId } = await client.call('session.open', { device: deviceId, access: 'os' })
    const { shell } = await client.call('shell.open', { requestId })
    await client.call('shell.say', { shell, text: `${spoken}\n` })
    await client.call('transfer.run', { requestId, direction: 'get', from: '/canary.txt', to })
    // The last one stays open while its bytes are looked for.
    if (index < sessions - 1) await client.call('session.end', { requestId })
  }
}
