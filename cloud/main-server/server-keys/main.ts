import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { AppError } from '@gantry/shared/errors.ts'
import { certificateHash } from '@gantry/shared/node/certificates.ts'
import { readJsonFile, writeJsonFile } from '@gantry/shared/node/json-file.ts'
import { reportFailure } from '@gantry/shared/node/report-failure.ts'
import { serverKeysFingerprint } from '@gantry/shared/node/server-keys.ts'
import { keysCommandEn } from '@gantry/shared/words/keys-command.en.ts'
import { keysCommandFr } from '@gantry/shared/words/keys-command.fr.ts'
import { z } from 'zod'
import { Config } from '../config.ts'
import { loadKeys } from '../keys.ts'
import { lockState } from '../state-lock.ts'
import { describeFolder, issueForServer, makeNextDeviceCa, makeNextTicketKey, openServersCa, readFolder, type ServerPlace } from './folder.ts'
import { type ListChange, proposeList } from './list.ts'

/**
 * `keys`: what the operator of the servers makes, sees and rotates (decision 26). It works beside a running server, which takes over by itself what it finds, and never writes over
 * a key in use. What it prints on stdout is for people, or JSON with --json; failures go to stderr.
 */
const french = /^fr/i.test(process.env.LC_ALL || process.env.LC_MESSAGES || process.env.LANG || '')
const words = french ? keysCommandFr : keysCommandEn
const day = 86_400

const options = {
  config: { type: 'string' },
  'servers-ca': { type: 'string' },
  request: { type: 'string' },
  certificate: { type: 'string' },
  days: { type: 'string' },
  'overlap-days': { type: 'string' },
  'at-once': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

type Values = ReturnType<typeof parse>['values']

function parse() {
  try {
    return parseArgs({ options, allowPositionals: true })
  } catch (error) {
    throw new AppError('usage.bad', { cause: error, details: { problem: error instanceof Error ? error.message : '' } })
  }
}

async function run(command: string, values: Values): Promise<void> {
  switch (command) {
    case 'show':
      return show(values)
    case 'create':
      return create(values)
    case 'rotate ticket-key':
      makeNextTicketKey(mainServer(values))
      return request(values, {})
    case 'rotate device-ca':
      await makeNextDeviceCa(mainServer(values))
      return request(values, {})
    case 'retire ticket-key':
      return request({ ...values, 'at-once': true }, {})
    case 'retire device-ca':
      return request(values, { retireDeviceCas: true })
    case 'rotate server-certificate':
      return certify(values)
    case 'revoke server-certificate':
      return request(values, { revoke: [certificateHash(readFileSync(needed(values, 'certificate'), 'utf8'))] })
    default:
      throw new AppError('usage.bad', { details: { problem: words.unknown(command) } })
  }
}

async function show(values: Values): Promise<void> {
  const config = mainServer(values)
  const now = Math.floor(Date.now() / 1_000)
  const folder = await readFolder(config)
  const rows = describeFolder(config, folder, now)
  const list = folder.listed && { number: folder.listed.number, issuedAt: folder.listed.issuedAt }
  if (values.json) return void process.stdout.write(`${JSON.stringify({ keys: rows, list })}\n`)
  const line = words.list(list && { ...list, issuedAt: dateOf(list.issuedAt) })
  const text = rows.map(({ what, mark, state, from, until, devices }) => {
    const dates = words.dates(from === null ? null : dateOf(from), until === null ? null : dateOf(until))
    return `${words.what[what].padEnd(words.width)} ${mark}  ${[words.state[state], dates, devices === undefined ? '' : words.devices(devices)].filter(Boolean).join(', ')}`
  })
  process.stdout.write(`${[...text, line].join('\n')}\n`)
}

/** All that is missing: the main server's keys and device CA, and, with the servers' CA, its certificate. */
async function create(values: Values): Promise<void> {
  const config = mainServer(values)
  mkdirSync(config.stateDir, { recursive: true, mode: 0o700 })
  const unlock = lockState(config.stateDir)
  try {
    await loadKeys(config.stateDir)
  } finally {
    unlock()
  }
  if (values['servers-ca'] !== undefined && !existsSync(config.tls.cert) && !existsSync(config.tls.key)) await certify(values)
  await show(values)
}

/** Of whichever server the config is: both kinds name their files and hosts in the same way. */
async function certify(values: Values): Promise<void> {
  const server = serverPlace(needed(values, 'config'))
  await issueForServer(await openServersCa(needed(values, 'servers-ca')), server, daysOf(values, 'days', 90))
  process.stderr.write(`${words.certified(server.hosts.join(', '))}\n`)
}

/** Writes what the officers are asked to sign, and says what is read out to them. */
async function request(values: Values, change: Omit<ListChange, 'olderUntil'>): Promise<void> {
  const path = needed(values, 'request')
  const folder = await readFolder(mainServer(values))
  const now = Math.floor(Date.now() / 1_000)
  const olderUntil = values['at-once'] ? now : now + daysOf(values, 'overlap-days', 14) * day
  const list = proposeList(folder, { ...change, olderUntil })
  writeJsonFile(path, list, 0o644)
  const fingerprint = serverKeysFingerprint(list)
  process.stdout.write(`${values.json ? JSON.stringify({ request: path, fingerprint }) : words.requested(path, fingerprint)}\n`)
}

function mainServer(values: Values): Config {
  return readJsonFile(needed(values, 'config'), Config as z.ZodType<Config>)
}

const AnyServer = z.object({
  tls: z.object({ cert: z.string(), key: z.string() }),
  host: z.string(),
  publicHost: z.string().optional(),
  publicAgentHost: z.string().optional(),
  otherNames: z.array(z.string()).default([]),
})

function serverPlace(path: string): ServerPlace {
  const { tls, host, publicHost = host, publicAgentHost = publicHost, otherNames } = readJsonFile(path, AnyServer as z.ZodType<z.infer<typeof AnyServer>>)
  return { tls, hosts: [...new Set([publicHost, publicAgentHost, ...otherNames])] }
}

/** An overlap of less than a day could end within a session; use --at-once for what was stolen. */
function daysOf(values: Values, name: 'days' | 'overlap-days', otherwise: number): number {
  const days = Number(values[name] ?? otherwise)
  if (!Number.isInteger(days) || days < 1 || days > 3_650) throw new AppError('usage.bad', { details: { problem: words.badDays(name) } })
  return days
}

function needed(values: Values, name: 'config' | 'servers-ca' | 'request' | 'certificate'): string {
  const value = values[name]
  if (value === undefined) throw new AppError('usage.bad', { details: { problem: words.missing(name) } })
  return value
}

function dateOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().slice(0, 16).replace('T', ' ')
}

try {
  const { values, positionals } = parse()
  if (values.help || positionals.length === 0) process.stdout.write(`${words.usage.join('\n')}\n`)
  else await run(positionals.join(' '), values)
} catch (error) {
  reportFailure(error, { french })
}
