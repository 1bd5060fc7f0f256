import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { canOpenInternet, openInternet } from './namespaces.ts'

const tree = { inet: null, hospital: 'inet', device: 'hospital', main: 'inet' } as const

/** Listens in one host and asks from another; true when the answer came. */
async function reaches(
  net: ReturnType<typeof openInternet<keyof typeof tree>>,
  from: keyof typeof tree,
  to: keyof typeof tree,
  host: string,
): Promise<boolean> {
  const [program, ...argv] = net.on(to, [
    process.execPath,
    '-e',
    `require('net').createServer((s) => s.end('hello')).listen(443, '::', () => console.log('up'))`,
  ])
  const server = spawn(program, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => server.stdout.once('data', resolve))
  const ask = `const s = require('net').connect(443, ${JSON.stringify(host)}); s.setTimeout(3000, () => process.exit(1)); s.on('data', () => process.exit(0)); s.on('error', () => process.exit(1))`
  const [asker, ...rest] = net.on(from, [process.execPath, '-e', ask])
  const { status } = spawnSync(asker, rest)
  server.kill('SIGKILL')
  await new Promise((resolve) => server.once('close', resolve))
  return status === 0
}

describe.skipIf(!canOpenInternet())('an internet in namespaces', () => {
  test('hosts reach each other over IPv4 and IPv6, across a host in between, until a firewall says no', async () => {
    const net = openInternet(tree)
    try {
      expect(await reaches(net, 'device', 'main', net.address.main.v4)).toBe(true)
      expect(await reaches(net, 'device', 'main', net.address.main.v6)).toBe(true)
      expect(await reaches(net, 'main', 'device', net.address.device.v4)).toBe(true)
      net.firewall(
        'hospital',
        'table inet wall { chain forward { type filter hook forward priority 0; policy drop; ct state established accept; iifname "device" accept; }; }',
      )
      expect(await reaches(net, 'device', 'main', net.address.main.v4)).toBe(true)
      expect(await reaches(net, 'main', 'device', net.address.device.v4)).toBe(false)
    } finally {
      net.close()
    }
    expect(readdirSync('/run/netns').filter((name) => name.startsWith(`gantry-${process.pid}-`))).toEqual([])
  })

  test('two of them at once are two', () => {
    const [one, other] = [openInternet(tree), openInternet(tree)]
    try {
      one.run('main', ['ip', 'addr', 'add', '198.18.99.1/32', 'dev', 'lo'])
      expect(one.run('main', ['ip', '-o', 'addr'])).toContain('198.18.99.1')
      expect(other.run('main', ['ip', '-o', 'addr'])).not.toContain('198.18.99.1')
    } finally {
      one.close()
      other.close()
    }
  })

  test('a host knows names that are written down for it', () => {
    const net = openInternet(tree)
    try {
      net.know('device', `${net.address.main.v4} main.gantry.test`)
      expect(net.run('device', ['getent', 'hosts', 'main.gantry.test'])).toContain(net.address.main.v4)
    } finally {
      net.close()
    }
  })

  test('what a killed process left behind is taken down by the next one', async () => {
    const program = `import { openInternet } from ${JSON.stringify(join(import.meta.dirname, 'namespaces.ts'))}
      import { spawn } from 'node:child_process'
      const net = openInternet({ inet: null, main: 'inet' })
      const [program, ...argv] = net.on('main', ['sleep', '1000'])
      console.log(spawn(program, argv, { detached: true }).pid)
      setInterval(() => undefined, 1000)`
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    const left = Number(await new Promise((resolve) => child.stdout.once('data', resolve)))
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('close', resolve))
    expect(existsSync(`/run/netns/gantry-${child.pid}-1-main`)).toBe(true)
    openInternet({ inet: null }).close()
    expect(readdirSync('/run/netns').filter((name) => name.startsWith(`gantry-${child.pid}-`))).toEqual([])
    await expect.poll(() => existsSync(`/proc/${left}`)).toBe(false)
  })
})
