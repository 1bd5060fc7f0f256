import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

const root = mkdtempSync(join(tmpdir(), 'process-'))
const children: ChildProcessWithoutNullStreams[] = []
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(root, { recursive: true, force: true })
})

/** Starts a part whose `main` is this text; `{config}`, `{signal}` and `{ready}` are its parameters. */
function start(main: string, config: unknown, options = ''): ChildProcessWithoutNullStreams {
  const name = join(root, `part-${children.length}`)
  const { dirname } = import.meta
  writeFileSync(
    `${name}.ts`,
    `import { runPart } from ${JSON.stringify(join(dirname, 'process.ts'))}
     import { AppError } from ${JSON.stringify(join(dirname, '..', 'errors.ts'))}
     import { createRequire } from 'node:module'
     import { createServer } from 'node:net'
     const { z } = createRequire(${JSON.stringify(join(dirname, 'process.ts'))})('zod')
     const Config = z.strictObject({ name: z.string(), port: z.number().optional(), stopWithStdin: z.boolean().optional() })
     await runPart({ Config, ${options} main: async (config, signal, ready) => { ${main} } })`,
  )
  writeFileSync(`${name}.json`, JSON.stringify(config))
  const child = spawn(process.execPath, [`${name}.ts`, '--config', `${name}.json`])
  children.push(child)
  return child
}

async function read(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += chunk
  return text
}

async function outcome(child: ChildProcessWithoutNullStreams) {
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  const [stdout, stderr, code] = await Promise.all([read(child.stdout), read(child.stderr), exited])
  return { stdout, stderr, code, fatal: JSON.parse(/^\{"fatal":.*$/m.exec(stderr)?.[0] ?? 'null')?.fatal }
}

const serveUntilStopped = `ready({ name: config.name, pid: process.pid }); ready({ twice: true }); await new Promise((resolve) => signal.addEventListener('abort', resolve)); process.stdout.write('stopped\\n')`

async function whenReady(child: ChildProcessWithoutNullStreams): Promise<void> {
  await new Promise((resolve) => child.stdout.once('readable', resolve))
}

describe('a part as a process', () => {
  test('says ready once, and stops gracefully at SIGTERM', async () => {
    const child = start(serveUntilStopped, { name: 'x' })
    await whenReady(child)
    child.kill('SIGTERM')
    const { stdout, code } = await outcome(child)
    expect([stdout, code]).toEqual([`{"ready":true,"name":"x","pid":${child.pid}}\nstopped\n`, 0])
  })

  test('stops when its stdin ends, and leaves SIGINT to its parent', async () => {
    const child = start(serveUntilStopped, { name: 'x', stopWithStdin: true })
    await whenReady(child)
    child.kill('SIGINT')
    child.stdin.write('ignored')
    expect(child.exitCode).toBe(null)
    child.stdin.end()
    const { stdout, code } = await outcome(child)
    expect([stdout.endsWith('stopped\n'), code]).toEqual([true, 0])
  })

  test('is ended when it does not stop in time', async () => {
    const child = start('ready(); await new Promise(() => setInterval(() => {}, 1000))', { name: 'x' }, 'stopWithinMs: 200,')
    await whenReady(child)
    child.kill('SIGTERM')
    expect((await outcome(child)).code).toBe(1)
  })

  test.each([
    ['a failure with a code', `throw new AppError('audit.broken', { details: { line: 3 } })`, { code: 'audit.broken', details: { line: 3 } }],
    ['a defect', 'throw new Error("oops")', { code: 'internal' }],
    [
      'a defect nobody waited for',
      'ready(); void Promise.reject(new Error("oops")); await new Promise(() => setInterval(() => {}, 1000))',
      { code: 'internal' },
    ],
  ])('ends with one fatal line: %s', async (_what, main, fatal) => {
    const result = await outcome(start(main, { name: 'x' }))
    expect([result.fatal, result.code]).toEqual([fatal, 1])
  })

  test('a busy port is named', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const main = `const server = createServer(); await new Promise((resolve, reject) => { server.once('error', reject); server.listen(config.port, '127.0.0.1', resolve) })`
    const result = await outcome(start(main, { name: 'x', port }))
    server.close()
    expect(result.fatal).toEqual({ code: 'port.busy', details: { port } })
  })

  test('a config that does not fit is named, and what does not fit in it', async () => {
    const result = await outcome(start('ready()', { name: 7 }))
    expect(result.fatal).toMatchObject({ code: 'state.unreadable', details: { field: 'name' } })
    expect(result.stdout).toBe('')
  })
})
