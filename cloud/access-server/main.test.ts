import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { verifyAuditFile } from '../../shared/node/audit-verify.ts'
import { createCa, issueServerCertificate } from '../../shared/node/certificates.ts'
import { createDialler } from '../../shared/node/dial.ts'
import { readUntil } from '../../shared/node/read-until.ts'
import { generateSigningKey } from '../../shared/node/signing.ts'

const folder = mkdtempSync(join(tmpdir(), 'access-server-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('the process serves, says so in one line, and stops when its stdin ends (R092: with its own audit)', async () => {
  const ca = await createCa('Test servers')
  const { certificatePem, keyPem } = await issueServerCertificate(ca, { hosts: ['127.0.0.1'] })
  const [cert, key, config, stateDir] = ['cert.pem', 'key.pem', 'config.json', 'state'].map((name) => join(folder, name)) as [string, string, string, string]
  writeFileSync(cert, certificatePem)
  writeFileSync(key, keyPem, { mode: 0o600 })
  const ticketKey = generateSigningKey().publicJwk
  writeFileSync(
    config,
    JSON.stringify({ name: 'north-1', site: 'North', host: '127.0.0.1', port: 0, tls: { cert, key }, ticketKey, stateDir, stopWithStdin: true }),
  )
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), '--config', config], { stdio: ['pipe', 'pipe', 'pipe'] })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  const ready = JSON.parse((await readUntil(child.stdout, '\n', { maxBytes: 1_000 })).toString())
  expect(ready).toEqual({ ready: true, origin: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+$/), pid: child.pid })
  const socket = await createDialler({ ca: ca.certificatePem })({ host: '127.0.0.1', port: Number(new URL(ready.origin).port) })
  socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
  expect((await readUntil(socket, '\r\n', { maxBytes: 100 })).toString()).toBe('HTTP/1.1 200 OK')
  socket.destroy()
  child.stdin.end()
  expect(await exited).toBe(0)
  expect(await verifyAuditFile(join(stateDir, 'audit.jsonl'))).toMatchObject({ ok: true, events: 4, party: 'north-1' })
})
