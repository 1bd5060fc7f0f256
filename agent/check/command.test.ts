import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AllowList } from '../../shared/allow-list.ts'
import { Passport } from '../../shared/passport.ts'
import { createDeviceFolder, type DeviceFolder } from '../../test/support/device.ts'
import { createTestServer, type TestServer } from '../../test/support/main-server.ts'

/** The agent's program as somebody types it at the device, here before the enrolment. */
let main: TestServer
let device: DeviceFolder
let config: string

beforeAll(async () => {
  main = await createTestServer()
  device = createDeviceFolder({ origin: main.origin, ca: main.ca, authorityKey: main.authority.publicJwk })
  config = join(device.folder, 'device.json')
}, 60_000)
beforeEach(() => {
  const mainServers = [{ enrolOrigin: main.origin, agentOrigin: main.agentOrigin }]
  writeFileSync(config, JSON.stringify({ ...device.config, mainServers }))
  device.writePolicy({})
})
afterAll(async () => {
  await main.close()
  device.remove()
})

async function agent(...argv: string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../main.ts'), ...argv], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once('close', (exit) => resolve(exit))),
  ])
  return { stdout, stderr, code }
}

describe('gantry-agent (R017, R048)', () => {
  test('check: prints the passport, writes it to take along, and leaves no trace on the device', async () => {
    const output = join(device.folder, 'passport')
    const { stdout, stderr, code } = await agent('check', '--config', config, '--output', output)
    expect(stdout).toContain('Everything passes.')
    expect(code).toBe(0)
    expect(stderr).toContain(`Asking ${new URL(main.agentOrigin).host}`)
    expect(readdirSync(output).sort()).toEqual(['passport.en.html', 'passport.en.txt', 'passport.fr.html', 'passport.fr.txt', 'passport.json'])
    expect(readFileSync(join(output, 'passport.fr.html'), 'utf8')).toContain('Tout passe')
    expect(Passport.parse(JSON.parse(readFileSync(join(output, 'passport.json'), 'utf8'))).verdict).toBe('open')
    expect(existsSync(device.config.stateDir)).toBe(false)
  })

  test('check: exit code 5 and one sentence to copy where it is closed, in French', async () => {
    writeFileSync(config, JSON.stringify({ ...device.config, mainServers: [{ enrolOrigin: main.origin, agentOrigin: 'https://127.0.0.1:1' }] }))
    const { stdout, code } = await agent('check', '--config', config, '--language', 'fr')
    expect(stdout).toContain('Veuillez autoriser le TCP sortant de l’appareil vers 127.0.0.1, port 1.')
    expect(code).toBe(5)
  })

  test('check: sends not one packet where the customer turned connectivity off (R008, R047)', async () => {
    device.writePolicy({ connectivity: 'off' })
    const { stdout, stderr, code } = await agent('check', '--config', config)
    expect(stdout).toBe('')
    expect(stderr).toContain('not one packet leaves')
    expect(code).toBe(3)
  })

  test('allow-list: as JSON, CSV, rules and guide', async () => {
    const printed = async (format: string, ...more: string[]) => (await agent('allow-list', '--config', config, '--format', format, ...more)).stdout
    const { hosts } = AllowList.parse(JSON.parse(await printed('json')))
    const ports = [main.agentOrigin, main.origin].map((origin) => Number(new URL(origin).port))
    expect(hosts.map(({ host, port }) => [host, port])).toEqual(ports.map((port) => ['127.0.0.1', port]))
    const [csv, rules, guide] = await Promise.all([
      printed('csv'),
      printed('nft', '--router', '192.0.2.50', '--resolver', '192.0.2.53'),
      printed('guide', '--language', 'fr'),
    ])
    for (const port of ports) {
      expect(csv).toContain(`"127.0.0.1","","","${port}"`)
      expect(rules).toContain(`ip daddr { 127.0.0.1 } tcp dport ${port} counter accept`)
      expect(guide).toContain(`| ${port} |`)
    }
  })

  test.each([[['check']], [['check', '--config', 'x', '--format', 'pdf']], [['allow-list', 'twice', '--config', 'x']]])(
    '%j: says how it is used',
    async (argv) => {
      const { stderr, code } = await agent(...argv)
      expect(stderr).toContain('gantry-agent check --config FILE')
      expect(code).toBe(2)
    },
  )
})
