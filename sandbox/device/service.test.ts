import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Part, startPart } from '../part.ts'

const run = promisify(execFile)
const here = (name: string) => join(import.meta.dirname, name)
let state: string
let service: Part | null

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'gantry-service-'))
  service = null
})
afterEach(async () => {
  await service?.stop()
  rmSync(state, { recursive: true, force: true })
})

async function start(): Promise<Part> {
  service = startPart(
    {
      name: 'service',
      argv: [process.execPath, here('service.ts'), '--state', state, '--model', 'NV-520', '--version', '6.3.1'],
      log: join(state, 'err'),
      restartCode: 75,
    },
    () => undefined,
  )
  await service.ready
  return service
}
const control = async (...argv: string[]) => JSON.parse((await run(process.execPath, [here('service-control.ts'), ...argv, '--state', state])).stdout)

async function menu(keys: string, ...argv: string[]): Promise<string> {
  const child = spawn(process.execPath, [here('service-menu.ts'), '--state', state, '--model', 'NV-520', ...argv])
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stdin.end(keys)
  await new Promise((resolve) => child.once('close', resolve))
  return output
}

describe('the sample device', () => {
  test('tells its state, and restarts its service when asked: another process, counted', async () => {
    const part = await start()
    const before = part.pid()
    expect(await control('status')).toMatchObject({ state: 'running', restarts: 0, version: '6.3.1' })
    const { restartedAt, downMs } = await control('restart')
    expect(new Date(restartedAt).getTime()).toBeGreaterThan(0)
    expect(downMs).toBeGreaterThan(0)
    expect(await control('status')).toMatchObject({ state: 'running', restarts: 1 })
    expect(part.pid()).not.toBe(before)
  })

  test('says that the service is stopped when it is', async () => {
    expect(await control('status')).toMatchObject({ state: 'stopped', since: null })
    await (await start()).stop()
    expect(await control('status')).toMatchObject({ state: 'stopped' })
  })

  test('R100: writes patient data into its log, all of it marked as synthetic', async () => {
    await start()
    const log = readFileSync(join(state, 'service.log'), 'utf8').split('\n')
    const patients = log.filter((line) => line.includes('patient='))
    expect(patients.length).toBeGreaterThan(0)
    for (const line of patients) expect(line).toContain('SYNTHETIC')
  })

  test('its menu shows status, self test, errors and calibration in both languages, and leaves with a key', async () => {
    await start()
    const english = await menu('1\n2340')
    for (const text of ['Service   running', 'Air detector … passed', 'E-214', 'Pressure sensor A  zero']) expect(english).toContain(text)
    expect(await menu('50')).toContain('Menu de service fermé.')
    expect(await menu('q', '--language', 'fr')).toContain('menu de service')
  })

  test('its menu gives no patient data away, and no key leads anywhere else', async () => {
    await start()
    const output = await menu(`3!sh\r|;$(id)\u001b[A\u0000zz0`)
    expect(output).not.toContain('patient=')
    expect(output).not.toContain('mrn=')
    expect(output).not.toContain('uid=')
    expect(output).toContain('Service menu closed.')
  })
})
