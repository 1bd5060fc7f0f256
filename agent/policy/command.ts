import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { defaultPolicy, type Policy, type PolicyStatement } from '@gantry/shared/device-policy.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { DeviceId } from '@gantry/shared/ids.ts'
import { readJsonFile, writeFileWhole, writeJsonFile } from '@gantry/shared/node/json-file.ts'
import { KeyFile, makeKeyFile, minPassphrase, openKeyFile } from '@gantry/shared/node/key-file.ts'
import { createSecretReader } from '@gantry/shared/node/secret-line.ts'
import { policyText, readPolicyText, statementOf } from '@gantry/shared/node/signed-policy.ts'
import { signJws, thumbprint } from '@gantry/shared/node/signing.ts'
import { type Hash, RequestPayload } from '@gantry/shared/ticket.ts'
import type { Language } from '@gantry/shared/words/errors.ts'
import { panelEn } from '@gantry/shared/words/panel.en.ts'
import { panelFr } from '@gantry/shared/words/panel.fr.ts'
import { type PolicyCommandWords, policyCommandEn } from '@gantry/shared/words/policy-command.en.ts'
import { policyCommandFr } from '@gantry/shared/words/policy-command.fr.ts'
import { z } from 'zod'
import { forgetPolicy, type LoadedPolicy, readPolicy } from '../access/policy-file.ts'
import { approvalFile, approvalOf, approvalsIn, isPasskey, WaitingApproval } from '../access/second-key.ts'
import { answering, readArguments, requireLanguage } from '../command-line.ts'
import { Config } from '../config.ts'
import { readIdentity } from '../identity.ts'
import { approveByPasskey, makePasskey, pagePort, passkeyPort } from './passkey.ts'
import { withSettings } from './settings.ts'

/**
 * `gantry-agent policy …`: the customer's tool, at the device (`--config`) or anywhere else (`--policy`). What is done is one line of JSON on stdout; passphrases come
 * from the terminal or a pipe, never as an argument. Exit codes: 0 done, 1 failed, 2 usage, 3 refused or (show) unusable.
 */
const words: Record<Language, PolicyCommandWords> = { en: policyCommandEn, fr: policyCommandFr }
const faults = { en: panelEn.fault, fr: panelFr.fault }
const readSecret = createSecretReader(process)

export function runPolicyCommand(argv: string[]): Promise<number> {
  return answering(async (speaker) => {
    const asked = read(argv)
    const config = asked.config === undefined ? null : readJsonFile(asked.config, Config)
    speaker.language = asked.language ?? config?.language ?? speaker.language
    const at: At = { ...asked, config, language: speaker.language, words: words[speaker.language] }
    if (asked.verb === 'key') return makeKey(at)
    if (asked.verb === 'passkey') return say(await makePasskey({ ...at, port: at.port ?? passkeyPort, onReady: opening(at) }))
    if (asked.verb === 'show') return show(at, faults[speaker.language])
    if (asked.verb === 'approve') return approve(at)
    return asked.verb === 'set' ? set(at) : reset(at)
  }, words)
}

type At = Omit<ReturnType<typeof read>, 'config' | 'language'> & { config: Config | null; language: Language; words: PolicyCommandWords }

const opening =
  ({ words }: At) =>
  (url: string) =>
    console.error(words.openPage(url))

async function makeKey({ key = '', words }: At): Promise<number> {
  if (existsSync(key)) throw new AppError('usage.bad', { details: { problem: words.keyThere(key) } })
  const passphrase = (await readSecret(words.newPassphrase(minPassphrase))) ?? ''
  if (passphrase.length < minPassphrase) throw new AppError('usage.bad', { details: { problem: words.newPassphrase(minPassphrase) } })
  if (process.stdin.isTTY && (await readSecret(words.again)) !== passphrase) throw new AppError('policy.key-wrong')
  const { file } = await makeKeyFile('policy', passphrase)
  writeJsonFile(key, file)
  return say({ key, owner: thumbprint(file.publicJwk) })
}

function show({ config, policy, words }: At, faultWords: Record<string, string>): number {
  const standing = standingOf(config, policy)
  say({ ...standing, path: pathOf(config, policy) }, 2)
  if (!standing.fault) return 0
  console.error(`${words.closed} ${faultWords[standing.fault]}`)
  return 3
}

async function set({ config, policy, key: keyPath = '', device, nextOwner, isFresh, settings, words }: At): Promise<number> {
  const standing = standingOf(config, policy)
  if (standing.fault && !isFresh) throw new AppError('policy.unusable', { details: { fault: standing.fault } })
  const file = readJsonFile(keyPath, KeyFile)
  if (standing.owner !== null && standing.owner !== thumbprint(file.publicJwk)) throw new AppError('policy.key-wrong', { details: { reason: 'owner' } })
  const changed = withSettings(isFresh ? defaultPolicy : standing.policy, settings)
  const key = await openKeyFile('policy', file, (await readSecret(words.passphrase)) ?? '')
  const owner = nextOwner === undefined ? file.publicJwk : readJsonFile(nextOwner, KeyFile.pick({ publicJwk: true }).loose()).publicJwk
  const nowMs = Date.now()
  // By the clock, so that somebody who signs for many devices need not know how far each of them is.
  const serial = Math.max(standing.serial + 1, Math.floor(nowMs / 1_000))
  const statement = statementOf(changed, { serial, device: device ?? standing.device, owner, nowMs })
  const path = pathOf(config, policy)
  writeFileWhole(path, policyText(statement, key), 0o644)
  console.error(words.signed(serial))
  return say({ path, serial, owner: thumbprint(owner) })
}

/** Lists what waits for the second key; with a request's id, signs that one. What is shown is read from what is signed. */
async function approve(at: At): Promise<number> {
  const {
    config,
    key = '',
    settings: [id],
    words,
  } = at
  if (!config) throw new AppError('usage.bad', { details: { problem: '--config FILE' } })
  const folder = approvalsIn(config.policyFile)
  const waiting = waitingIn(folder)
  if (id === undefined)
    return say(
      waiting.map(({ request, file: { name, employer } }) => ({ ...request, name, employer })),
      2,
    )
  const one = waiting.find(({ request }) => request.id === id)
  if (!one) throw new AppError('access.unknown')
  const { request, file } = one
  console.error(words.approving(`${file.name}, ${file.employer}`, request))
  if (at.isPasskey) return approveInBrowser(one, at)
  const signer = await openKeyFile('policy', readJsonFile(key, KeyFile), (await readSecret(words.passphrase)) ?? '')
  writeFileWhole(approvalFile(folder, request.id), await signJws('approval', approvalOf(file, request, Date.now()), signer), 0o644)
  return say({ requestId: request.id, approver: thumbprint(signer.publicJwk) })
}

/** By a passkey that the policy in the device's folder pins; which of them counts, the device judges. */
async function approveInBrowser({ request, file }: ReturnType<typeof waitingIn>[number], at: At): Promise<number> {
  const approvers = standingOf(at.config, undefined).policy.approvers.filter(isPasskey)
  const payload = approvalOf(file, request, Date.now())
  const { approval, approver } = await approveByPasskey(
    { ...file, payload, request, approvers },
    { ...at, port: at.port ?? pagePort(approvers) ?? passkeyPort, onReady: opening(at) },
  )
  writeFileWhole(approvalFile(approvalsIn(pathOf(at.config, undefined)), request.id), JSON.stringify(approval), 0o644)
  return say({ requestId: request.id, approver: thumbprint(approver.publicKey) })
}

function waitingIn(folder: string) {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : []
  return files.map((name) => {
    const file = readJsonFile(join(folder, name), WaitingApproval)
    return { file, request: RequestPayload.parse(JSON.parse(Buffer.from(file.payload, 'base64url').toString('utf8'))) }
  })
}

function reset({ config, words }: At): number {
  if (!config) throw new AppError('usage.bad', { details: { problem: '--config FILE' } })
  forgetPolicy(config.stateDir)
  console.error(words.reset)
  return say({ path: config.policyFile })
}

type Standing = Pick<LoadedPolicy, 'fault' | 'serial'> & { policy: Policy; owner: Hash | null; device: PolicyStatement['device'] }

/** At the device what it goes by; elsewhere what the file says, if its owner signed it. */
function standingOf(config: Config | null, path: string | undefined): Standing {
  const text = readIfThere(pathOf(config, path))
  const read = text === null ? null : readPolicyText(text)
  const device = read?.kind === 'policy' ? read.statement.device : null
  if (config) {
    const enrolment = readIdentity(config.stateDir)?.enrolment ?? null
    const { fault, serial, policy, owner } = readPolicy({ path: config.policyFile, stateDir: config.stateDir, deviceId: () => enrolment?.deviceId ?? null })
    return { fault, serial, owner, policy, device }
  }
  const nothing: Standing = { fault: null, serial: 0, owner: null, policy: defaultPolicy, device }
  if (read === null) return nothing
  if (read.kind === 'fault') return { ...nothing, fault: read.fault }
  const { serial, owner, policy } = read.statement
  return { ...nothing, fault: read.isSignedBy(owner) ? null : 'signature', serial, owner: thumbprint(owner), policy }
}

function readIfThere(path: string): string | null {
  return existsSync(path) ? readFileSync(path, 'utf8') : null
}

const pathOf = (config: Config | null, policy: string | undefined) => config?.policyFile ?? policy ?? ''

function say(facts: object, indent?: number): 0 {
  console.log(JSON.stringify(facts, null, indent))
  return 0
}

const verbs = ['key', 'show', 'set', 'approve', 'passkey', 'reset'] as const

function read(argv: string[]) {
  return readArguments(() => {
    const [one, flag] = [{ type: 'string' }, { type: 'boolean' }] as const
    const options = { config: one, policy: one, key: one, device: one, 'next-owner': one, language: one, port: one, fresh: flag, passkey: flag } as const
    const { values, positionals } = parseArgs({ args: argv.slice(1), allowPositionals: true, options })
    const [given, ...settings] = positionals
    const verb = verbs.find((name) => name === given)
    const { config, policy, key, device, fresh: isFresh = false, passkey: isPasskey = false } = values
    if (!verb || (verb !== 'set' && settings.length > (verb === 'approve' ? 1 : 0))) throw new Error(verbs.join(', '))
    if (verb !== 'key' && verb !== 'passkey' && (config === undefined) === (policy === undefined)) throw new Error('--config FILE, --policy FILE')
    if (verb === 'approve' && settings.length > 0 && (key === undefined) !== isPasskey) throw new Error('--key FILE, --passkey')
    if ((verb === 'key' || verb === 'set') && key === undefined) throw new Error('--key FILE')
    const forDevice = device === undefined ? undefined : DeviceId.parse(device)
    const port = values.port === undefined ? undefined : z.coerce.number().int().min(0).max(65_535).parse(values.port)
    return {
      verb,
      config,
      policy,
      key,
      isPasskey,
      port,
      device: forDevice,
      nextOwner: values['next-owner'],
      isFresh,
      settings,
      language: requireLanguage(values.language),
    }
  })
}
