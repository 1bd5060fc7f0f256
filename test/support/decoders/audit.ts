import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { auditFiles, parseAuditLine, readHeadUnverified } from '../../../shared/node/audit-line.ts'
import { openAuditLog } from '../../../shared/node/audit-log.ts'
import { verifyAuditFile } from '../../../shared/node/audit-verify.ts'
import { generateSigningKey } from '../../../shared/node/signing.ts'
import type { Decoder } from './decoder.ts'

/** A line of an audit log, its head, and a whole log that somebody hands over to be verified, in a folder of its own. */
export function openAuditRecords({ root }: { root: string }): Decoder {
  const log = openAuditLog({ folder: root, key: generateSigningKey(), party: 'dev_aaaaaaaaaaaaaaaaaaaa', keepsPrivate: true })
  for (const name of ['one', 'two', 'three']) {
    log.append({ kind: 'file.sent', actor: { kind: 'specialist', name: 'A. Tester' }, data: { bytes: name.length }, private: { path: `/folder/${name}` } })
  }
  log.close()
  const [path, headPath] = [join(root, auditFiles.log), join(root, auditFiles.head)]
  const [whole, head] = [readFileSync(path), readFileSync(headPath)]
  const lines = whole.toString('utf8').trimEnd().split('\n')
  return {
    examples: [...lines.map((line) => ({ kind: 'line', bytes: Buffer.from(line) })), { kind: 'head', bytes: head }, { kind: 'log', bytes: whole }],
    async decode(bytes, kind) {
      if (kind === 'line') return parseAuditLine(bytes) ? 'accepted' : 'no-line'
      if (kind === 'head') return readHeadUnverified(bytes.toString('utf8')) ? 'accepted' : 'no-head'
      writeFileSync(path, bytes)
      const { ok, fault } = await verifyAuditFile(path)
      return ok ? 'accepted' : (fault?.what ?? 'fault')
    },
  }
}
