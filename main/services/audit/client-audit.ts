import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { CallOutput } from '@gantry/shared/ipc.ts'
import { type AuditLog, openAuditLog } from '@gantry/shared/node/audit-log.ts'
import { collectHeads, verifyAuditFile } from '@gantry/shared/node/audit-verify.ts'
import { generateSigningKey, privatePem, type SigningKey, signingKeyFrom } from '@gantry/shared/node/signing.ts'
import type { ProfileLock } from '../profile-lock.ts'
import type { SecretStore } from '../secret-store.ts'

/**
 * This workstation's own log: what the client did, and every event of its sessions as it arrived. The window and each `gantry` run append to the same file.
 * Its key is in the secret store. Where that is gone (another keychain, a sandbox that was started anew) the log can only be read: it is put beside as a whole and a
 * new one begins, so that the old one can still be verified.
 */
export type ClientAuditLog = {
  path: string
  /** Errors: `auth.keychain-missing`, `audit.unavailable`, `audit.broken`. */
  open(): Promise<AuditLog>
  verify(): Promise<CallOutput<'audit.verify'>>
  close(): void
}
export type ClientAuditOptions = { profileDir: string; store: SecretStore; party: string; lock: ProfileLock }

const logFile = 'audit.jsonl'
const headFile = 'log-head.jws'
const earlier = 'earlier-logs'

export function createClientAudit({ profileDir, store, party, lock }: ClientAuditOptions): ClientAuditLog {
  let opening: Promise<AuditLog> | null = null
  const path = join(profileDir, logFile)
  const open = () => {
    opening ??= lock(async () => openAuditLog({ folder: profileDir, key: await loadKey(store, profileDir), party, keepsPrivate: false })).catch(
      (error: unknown) => {
        opening = null
        throw error
      },
    )
    return opening
  }
  return {
    path,
    open,
    async verify() {
      const paths = storesIn(profileDir)
      const knownHeads = await collectHeads(paths)
      return { stores: await Promise.all(paths.map((one) => verdictOn(one, knownHeads))) }
    },
    close() {
      opening?.then((log) => log.close()).catch(() => undefined)
      opening = null
    },
  }
}

async function verdictOn(path: string, knownHeads: Awaited<ReturnType<typeof collectHeads>>): Promise<CallOutput<'audit.verify'>['stores'][number]> {
  const { ok, events, fault } = await verifyAuditFile(path, { knownHeads })
  return { path, ok, events, fault: fault && { line: fault.line, what: fault.what } }
}

/** Under the profile's lock, or two processes would each make a key. */
async function loadKey(store: SecretStore, profileDir: string): Promise<SigningKey> {
  const pem = await store.get('audit-key')
  if (pem !== null) return signingKeyFrom(pem)
  const key = generateSigningKey()
  await store.set('audit-key', privatePem(key))
  if (existsSync(join(profileDir, logFile))) putAside(profileDir)
  return key
}

function putAside(profileDir: string): void {
  const folder = join(profileDir, earlier, new Date().toISOString().replaceAll(/[:.]/g, '-'))
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const name of [headFile, logFile]) if (existsSync(join(profileDir, name))) renameSync(join(profileDir, name), join(folder, name))
}

function storesIn(profileDir: string): string[] {
  const folder = join(profileDir, earlier)
  const old = existsSync(folder) ? readdirSync(folder).sort() : []
  return [...old.map((name) => join(folder, name, logFile)), join(profileDir, logFile)].filter((path) => existsSync(path))
}
