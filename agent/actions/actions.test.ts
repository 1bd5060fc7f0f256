import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { actions } from '../../shared/actions.ts'
import { serve } from '../../shared/contract.ts'
import type { ActionContext } from './context.ts'
import { actionHandlers } from './index.ts'

describe('device actions', () => {
  let folder: string
  let context: ActionContext
  const call = serve(actions, actionHandlers, () => undefined)
  /** A program of the device: says what it is told to, and notes its arguments. */
  const program = (name: string, body: string) => {
    const path = join(folder, name)
    writeFileSync(path, `#!/bin/sh\nprintf '%s\\n' "$@" > "${path}.arguments"\n${body}\n`)
    chmodSync(path, 0o755)
    return path
  }
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gantry-actions-'))
    context = {
      service: { restart: [], status: [], menu: [], log: join(folder, 'none') },
      ...{ versions: { agent: '0.1.0' }, filesRoot: folder, signal: new AbortController().signal, now: () => Date.parse('2026-11-20T10:00:00Z') },
    }
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  test('diagnostics.collect tells versions, uptime, disk, memory and the service (R003)', async () => {
    context.service.status = [program('status', `echo '{"state":"running","since":"2026-11-20T09:00:00.000Z","restarts":2,"version":"7.4"}'`)]
    const result = await call('diagnostics.collect', {}, context)
    expect(result).toMatchObject({
      ok: true,
      value: {
        collectedAt: '2026-11-20T10:00:00.000Z',
        versions: { agent: '0.1.0', service: '7.4', node: process.versions.node },
        service: { state: 'running', restarts: 2 },
        linesWithheld: 0,
      },
    })
    if (!result.ok) return
    expect(actions['diagnostics.collect'].output.safeParse(result.value).success).toBe(true)
    expect(JSON.stringify(result.value)).not.toContain(folder)
  })

  test('a service that cannot say how it is counts as stopped', async () => {
    for (const status of [[], ['/no/such/program'], [program('bad', 'echo no JSON')], [program('failing', 'exit 1')]]) {
      context.service.status = status
      expect(await call('diagnostics.collect', {}, context)).toMatchObject({ ok: true, value: { service: { state: 'stopped' } } })
    }
  })

  test('service.restart runs the owner’s command; the reason is one argument, never an option, a line or a program', async () => {
    const path = program('restart', `echo '{"restartedAt":"2026-11-20T10:00:01.000Z","downMs":900}'`)
    context.service.restart = [path, '--state', 'x']
    const reason = '--force $(touch /tmp/gantry-never)\n`id`; console frozen'
    expect(await call('service.restart', { reason }, context)).toEqual({ ok: true, value: { restartedAt: '2026-11-20T10:00:01.000Z', downMs: 900 } })
    expect(readFileSync(`${path}.arguments`, 'utf8')).toBe('--state\nx\nforce $(touch /tmp/gantry-never) `id`; console frozen\n')
  })

  test('a restart that is not set up, fails, or says nonsense is action.failed with its reason', async () => {
    const reasons: unknown[] = []
    for (const restart of [[], ['/no/such/program'], [program('failing', 'exit 1')], [program('bad', 'echo "{}"')]]) {
      context.service.restart = restart
      const result = await call('service.restart', { reason: 'console frozen' }, context)
      reasons.push(result.ok ? null : [result.failure.code, result.failure.details?.reason])
    }
    expect(reasons).toEqual(['not-configured', 'missing', 'status', 'output'].map((reason) => ['action.failed', reason]))
  })
})
