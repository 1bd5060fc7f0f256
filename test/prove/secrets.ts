import { spawn } from 'node:child_process'
import { createPrivateKey, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSandboxSecrets } from '../../main/services/sandbox-secrets.ts'
import { newStateFolder, oneDevice, type RunningSandbox, removeSandbox, startSandbox } from '../e2e/support/sandbox.ts'
import { startKeyring } from '../support/keyring.ts'
import { filesBelow, formsOf, searchMemory } from './canaries.ts'
import { createChance, type Proof, type Row, row } from './proof.ts'
import { allowAll, deviceId } from './world/desk.ts'
import { startKeyedClient } from './world/keyed-desk.ts'
import type { Act, KeyedSaid, SecretKept, Work } from './world/keyed-task.ts'

export const secrets: Proof = {
  name: 'secrets',
  title: 'A client that is killed leaves no secret behind',
  covers: ['D20', 'R061', 'R065'],
  method:
    'The desktop client’s services with a real gnome-keyring over D-Bus, at a real sandbox, are killed by SIGKILL, each time at a moment drawn by chance after they said how far they are. Then everything that they could have left is searched: profile, home, caches, temporary files, their own and every part’s log, crash dumps (unlimited), and the command line and environment of every process. Looked for are tokens and their key, both private keys, PIN, password, the second factor’s secret, the matching code, and what was typed: as they are, in hexadecimal, base64 and UTF-16.',
  limits: ['Electron’s own profile and crash reporter; the swap space; what the keyring’s own daemon keeps, which is its own encrypted file.'],
  async run({ quick, seed, say }) {
    const place = await openPlace()
    try {
      const chance = createChance(seed)
      const rows: Row[] = []
      for (const state of states) {
        let [times, found, looked] = [0, 0, 0]
        for (; times < (quick ? 1 : state.times); times += 1) {
          const result = await killIn(place, state, chance)
          found += result.found.length
          looked = result.looked
          for (const one of result.found) say(`${state.name}: ${one}`)
        }
        say(`${state.name}: ${found} in ${looked} files`)
        rows.push(
          row(
            `killed ${times} times ${state.name}: canaries in ${looked} files and in every process’s command line and environment`,
            '0',
            String(found),
            found === 0,
          ),
        )
      }
      return [...rows, ...(await controls(place)), ...(await withoutKeychain(place, quick ? 1 : 5))]
    } finally {
      await place.close()
    }
  },
}

type State = {
  name: string
  times: number
  act: (place: Place) => Act
  /** The line after which the time runs; null: from the start of the process. */
  after: string | null
  withinMs: number
  /** What the person at the panel does then, so that the next one finds the device free. */
  panel?: 'refuse' | 'end'
}
const asks =
  (access: 'files' | 'os', work: (place: Place) => Work = () => ({ kind: 'none' })) =>
  (place: Place): Act => ({ kind: 'ask', access, work: work(place) })
const states: State[] = [
  { name: 'signing in, before the browser came back', times: 5, act: () => ({ kind: 'sign-in' }), after: 'browser', withinMs: 50 },
  { name: 'signing in, once the tokens were there', times: 2, act: () => ({ kind: 'sign-in' }), after: 'done', withinMs: 20 },
  { name: 'starting with a sign-in that it kept', times: 7, act: () => ({ kind: 'start' }), after: null, withinMs: 1_500 },
  { name: 'signed in', times: 5, act: () => ({ kind: 'start' }), after: 'started', withinMs: 1_500 },
  { name: 'making keys behind a PIN', times: 5, act: () => ({ kind: 'make-keys' }), after: 'started', withinMs: 1_000 },
  { name: 'with the PIN entered', times: 6, act: asks('os'), after: 'asks', withinMs: 400, panel: 'end' },
  { name: 'asking, with the matching code shown', times: 5, act: asks('files'), after: 'code', withinMs: 300, panel: 'refuse' },
  { name: 'with a session open', times: 5, act: asks('os'), after: 'open', withinMs: 500, panel: 'end' },
  {
    name: 'with text typed into a terminal',
    times: 5,
    act: asks('os', ({ typed }) => ({ kind: 'type', text: typed })),
    after: 'open',
    withinMs: 1_500,
    panel: 'end',
  },
  {
    name: 'with a transfer under way',
    times: 5,
    act: asks('os', ({ fetched }) => ({ kind: 'transfer', from: '/large.bin', to: fetched })),
    after: 'done',
    withinMs: 300,
    panel: 'end',
  },
]

type Place = {
  sandbox: RunningSandbox
  /** The client's home, with everything that belongs to it. */
  home: string
  fetched: string
  env: Record<string, string>
  pin: string
  typed: string
  /** As PEM; the keychain has it behind the PIN alone. */
  supportKey: string
  close(): Promise<void>
}

async function openPlace(): Promise<Place> {
  const dir = newStateFolder()
  const home = mkdtempSync(join(tmpdir(), 'gantry-secrets-'))
  const fetched = mkdtempSync(join(tmpdir(), 'gantry-fetched-'))
  allowAll(dir, { rules: { diagnostics: 'allow', files: 'ask', application: 'allow', os: 'allow' } })
  const sandbox = await startSandbox(dir, ...oneDevice)
  const keyring = await startKeyring(home)
  const temporary = join(home, 'tmp')
  mkdirSync(temporary)
  writeFileSync(join(sandbox.facts.devices[0]?.filesRoot ?? '', 'large.bin'), Buffer.alloc(64_000_000), { mode: 0o644 })
  const env = { PATH: process.env.PATH ?? '', HOME: home, LANG: 'C.UTF-8', TMPDIR: temporary, XDG_CACHE_HOME: join(home, '.cache'), ...keyring.env }
  const [pin, typed] = [`pin-${randomBytes(8).toString('hex')}`, `typed-${randomBytes(12).toString('hex')}`]
  const born = createSandboxSecrets(dir)
  const kept: Partial<Record<SecretKept, string>> = {}
  for (const name of ['specialist-key', 'support-key', 'certificate'] as const) kept[name] = (await born.get(name)) ?? ''
  const place: Place = {
    ...{ sandbox, home, fetched, env, pin, typed, supportKey: kept['support-key'] ?? '' },
    async close() {
      keyring.stop()
      await removeSandbox(sandbox)
      for (const folder of [home, fetched]) rmSync(folder, { recursive: true, force: true })
    },
  }
  try {
    await finish(place, { kind: 'keep', secrets: kept })
    return place
  } catch (error) {
    await place.close()
    throw error
  }
}
function startClient({ sandbox, home, env, pin }: Place, act: Act, { profile = 'profile', environment = env } = {}) {
  const { mainServer, ca, specialist: credentials } = sandbox.facts
  return startKeyedClient({ profile: join(home, profile), mainServer, ca, credentials, pin, device: deviceId, act }, home, environment)
}

async function finish(place: Place, act: Act): Promise<KeyedSaid[]> {
  const client = startClient(place, act)
  try {
    await client.hear('done')
    return client.said
  } finally {
    await client.kill()
  }
}

type Kill = { found: string[]; looked: number }

async function killIn(place: Place, { act, after, withinMs, panel }: State, chance: () => number): Promise<Kill> {
  const client = startClient(place, act(place))
  try {
    if (after) await client.hear(after)
    await sleep(chance() * withinMs)
  } finally {
    await client.kill()
  }
  const codes = client.said.flatMap((one) => ('code' in one ? [one.code] : []))
  const result = search(place, canariesOf(place, await everySecret(place)), codes)
  // Nobody there any more is as good.
  if (panel) await place.sandbox.panel(deviceId, panel, ...(panel === 'refuse' ? ['--next', '--timeout', '5'] : []))
  rmSync(place.fetched, { recursive: true, force: true })
  mkdirSync(place.fetched)
  return result
}

const notSecret = new Set(['certificate', 'certification-request'])
async function everySecret(place: Place): Promise<string[]> {
  const said = await finish(place, { kind: 'tell' })
  return said.flatMap((one) => ('secrets' in one ? Object.entries(one.secrets).flatMap(([name, value]) => (notSecret.has(name) ? [] : [value])) : []))
}

/** The parts that matter of what the keychain holds, and what it does not hold at all. */
function canariesOf({ sandbox, pin, typed, supportKey }: Place, kept: string[]): (string | Buffer)[] {
  const { password, totpSecret } = sandbox.facts.specialist
  return [password, totpSecret, pin, typed, ...[...kept, supportKey].flatMap(partsOf)]
}

function partsOf(secret: string): (string | Buffer)[] {
  if (secret.startsWith('-----')) {
    const { d = '' } = createPrivateKey(secret).export({ format: 'jwk' })
    return [d, Buffer.from(d, 'base64url'), secret.split('\n')[1] ?? '']
  }
  const parts: (string | Buffer)[] = []
  const take = (value: unknown, name: string) => {
    if (typeof value === 'object' && value !== null) for (const [key, one] of Object.entries(value)) take(one, key)
    else if (typeof value === 'string' && value.startsWith('-----')) parts.push(...partsOf(value))
    else if (typeof value === 'string' && secretNames.has(name)) parts.push(value)
  }
  try {
    take(JSON.parse(secret), '')
  } catch {
    parts.push(secret)
  }
  return parts
}
/** Of the JSON that lies in the keychain; keys in it are PEM. */
const secretNames = new Set(['accessToken', 'refreshToken', 'sealed'])

function search({ sandbox, home }: Place, canaries: (string | Buffer)[], codes: string[]): Kill {
  const forms = canaries.flatMap(formsOf)
  const paths = [home, join(sandbox.dir, 'sandbox/logs')].flatMap(filesBelow).filter((path) => !path.includes('/.local/share/keyrings/'))
  const digits = codes.map((code) => new RegExp(`(?<!\\d)${code}(?!\\d)`))
  const found = paths.filter((path) => {
    const octets = readFileSync(path)
    return forms.some((form) => octets.includes(form)) || digits.some((code) => code.test(octets.toString('latin1')))
  })
  return { found: [...found, ...inProcesses(forms)], looked: paths.length }
}

function inProcesses(forms: Buffer[]): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids
    .flatMap((pid) => ['cmdline', 'environ'].map((name) => `/proc/${pid}/${name}`))
    .filter((path) => {
      try {
        const octets = readFileSync(path)
        return forms.some((form) => octets.includes(form))
      } catch {
        // It ended meanwhile.
        return false
      }
    })
}

/** The search has to find what is there: each canary in each form in a file, a process that names them, and the memory of a client that is at work. */
async function controls(place: Place): Promise<Row[]> {
  const kept = await everySecret(place)
  const canaries = canariesOf(place, kept)
  const forms = canaries.flatMap(formsOf)
  let noticed = 0
  for (const form of forms) {
    writeFileSync(join(place.home, 'left.bin'), Buffer.concat([randomBytes(50), form, randomBytes(50)]))
    if (search(place, canaries, []).found.length > 0) noticed += 1
  }
  rmSync(join(place.home, 'left.bin'))
  const careless = spawn('sleep', ['60', '60'], { env: { PIN: place.pin } })
  await once(careless, 'spawn')
  await sleep(200)
  const named = inProcesses(forms).length
  careless.kill()
  const client = startClient(place, { kind: 'start' })
  await client.hear('started')
  const memory = searchMemory(client.child.pid ?? 0, forms)
  await client.kill()
  return [
    row(
      `control: of ${forms.length} forms of ${canaries.length} canaries, those that the search finds in a file`,
      String(forms.length),
      String(noticed),
      noticed === forms.length,
    ),
    row('control: a process with the PIN in its environment is found', '1', String(named), named === 1),
    row('control: canaries in the memory of a client that is signed in', '> 0', String(memory.found), memory.found > 0),
  ]
}

/** No bus: the app says so, and keeps nothing anywhere else. */
async function withoutKeychain(place: Place, times: number): Promise<Row[]> {
  const environment = { ...place.env, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent', XDG_RUNTIME_DIR: '/nonexistent' }
  const profile = 'profile-without'
  const refused: string[] = []
  const { password, totpSecret } = place.sandbox.facts.specialist
  const words = [place.pin, password, totpSecret]
  let [left, looked] = [0, 0]
  for (let time = 0; time < times; time += 1) {
    for (const act of [{ kind: 'sign-in' }, { kind: 'make-keys' }] as const) {
      const client = startClient(place, act, { profile, environment })
      const why = await client.hear('done').then(
        () => 'kept',
        (error: Error) => error.message,
      )
      await client.kill()
      refused.push(why)
      const texts = filesBelow(join(place.home, profile)).map((path) => readFileSync(path, 'latin1'))
      looked += texts.length
      left += texts.filter((text) => /eyJ[\w-]{20,}\.[\w-]+|PRIVATE KEY/.test(text) || words.some((word) => text.includes(word))).length
    }
  }
  const right = refused.filter((why) => why === 'auth.keychain-missing').length
  return [
    row(
      `without a keychain: of ${refused.length} sign-ins and new keys, refused with auth.keychain-missing`,
      '100 %',
      `${right}${right < refused.length ? ` (${refused.join(', ')})` : ''}`,
      right === refused.length,
    ),
    row(
      `without a keychain: of ${looked} files of a new profile, those with a token, anything signed, a private key, PIN or password`,
      '0',
      String(left),
      left === 0 && looked > 0,
    ),
  ]
}
