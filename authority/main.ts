import { AppError } from '@gantry/shared/errors.ts'
import { readJsonFile } from '@gantry/shared/node/json-file.ts'
import { reportFailure } from '@gantry/shared/node/report-failure.ts'
import { createSecretReader } from '@gantry/shared/node/secret-line.ts'
import { thumbprint } from '@gantry/shared/node/signing.ts'
import { ServerKeys } from '@gantry/shared/server-keys.ts'
import { authorityEn } from '@gantry/shared/words/authority.en.ts'
import { authorityFr } from '@gantry/shared/words/authority.fr.ts'
import { Command } from 'commander'
import { type Authority, createAuthority, openAuthority, readRequestFile } from './authority.ts'
import { makeOfficer, type OfficerFile } from './officers.ts'
import { describeStanding } from './overview.ts'
import type { Act, OfficerName, Statement } from './statement.ts'

/**
 * `authority`: run at the vendor's security office, on a computer without a network. Each command prints one line of JSON on stdout (`log` one for each event);
 * what people read and type goes over stderr and the terminal, or a pipe: passphrases in the order of `--officer`, a new officer's last.
 */
const french = /^fr/i.test(process.env.LC_ALL || process.env.LC_MESSAGES || process.env.LANG || '')
const words = french ? authorityFr : authorityEn
const readSecret = createSecretReader(process)

const program = new Command('authority').description(words.about)
const officerCommand = program.command('officer').description(words.officerAbout)

type Options = { dir: string; out: string; officer: string[]; username: string; fingerprint: string; request?: string; reason: string; name: string }

function command(parent: Command, name: string, about: string): Command {
  return parent.command(name).description(about).requiredOption('--dir <folder>', words.folder)
}

/** One that needs two officers and ends with the next roster. */
function agreedCommand(parent: Command, name: string, about: string): Command {
  return command(parent, name, about)
    .requiredOption('--out <folder>', words.out)
    .requiredOption('--officer <name>', words.officer, (name: string, all: string[] = []) => [...all, name])
}

command(program, 'init', words.init)
  .requiredOption('--officer <name>', words.founder, (name: string, all: string[] = []) => [...all, name])
  .action(async ({ dir, officer }: Options) => {
    const founders: { name: OfficerName; passphrase: string }[] = []
    for (const name of officer) founders.push({ name, passphrase: await newPassphrase(name) })
    await createAuthority(dir, founders)
    await withAuthority(dir, describe)
  })

command(program, 'import', words.import)
  .requiredOption('--request <file>', words.request)
  .action(({ dir, request }: Options & { request: string }) =>
    withAuthority(dir, async (authority) => {
      const { person, fingerprint } = await authority.importRequest(readRequestFile(request))
      say(words.imported(person, fingerprint))
      return { ...person, fingerprint }
    }),
  )

for (const name of ['certify', 'rotate'] as const) {
  agreedCommand(program, name, words[name])
    .requiredOption('--username <name>', words.username)
    .requiredOption('--fingerprint <text>', words.fingerprintTyped)
    .option('--request <file>', words.requestToo)
    .action((options: Options) =>
      withAuthority(options.dir, async (authority) => {
        if (options.request !== undefined) await authority.importRequest(readRequestFile(options.request))
        const imported = authority.importedRequest(options.username)
        const before = [...authority.standing().people.values()].find(({ username }) => username === options.username)
        if (!imported || (name === 'rotate' && !before)) throw new AppError('authority.person-unknown', { details: { username: options.username } })
        const { person } = imported
        const replaces = name === 'rotate' && before ? before.fingerprint : null
        const act: Act = { kind: 'certify', person, fingerprint: options.fingerprint.toUpperCase(), replaces }
        const done = await agree(authority, act, options)
        return { ...done, certificate: authority.certificateOf(person.specialistId) }
      }),
    )
}

agreedCommand(program, 'revoke', words.revoke)
  .requiredOption('--username <name>', words.username)
  .requiredOption('--reason <text>', words.reason)
  .action((options: Options) =>
    withAuthority(options.dir, async (authority) => {
      const { username, reason } = options
      const known = [...authority.standing().people.values()].find((one) => one.username === username)
      if (!known) throw new AppError('authority.person-unknown', { details: { username } })
      return agree(authority, { kind: 'revoke', specialistId: known.specialistId, username, reason }, options)
    }),
  )

agreedCommand(program, 'roster', words.roster).action((options: Options) =>
  withAuthority(options.dir, (authority) => agree(authority, { kind: 'roster' }, options)),
)

agreedCommand(program, 'server-keys', words.serverKeys)
  .requiredOption('--request <file>', words.serverKeysRequest)
  .requiredOption('--fingerprint <text>', words.serverKeysFingerprint)
  .action((options: Options & { request: string }) =>
    withAuthority(options.dir, (authority) => {
      const act: Act = { kind: 'server-keys', keys: readJsonFile(options.request, ServerKeys), fingerprint: options.fingerprint.toUpperCase() }
      return agree(authority, act, options)
    }),
  )

agreedCommand(program, 'rotate-key', words.rotateKey)
  .option('--overlap-days <days>', words.overlapDays, '14')
  .option('--at-once', words.atOnce, false)
  .action((options: Options & { overlapDays: string; atOnce: boolean }) =>
    withAuthority(options.dir, async (authority) => {
      const until = nowSeconds() + (options.atOnce ? 0 : overlapDays(options.overlapDays) * 86_400)
      return agree(authority, { kind: 'rotate-key', key: await authority.makeNextKey(), until }, options)
    }),
  )

agreedCommand(program, 'pin-key', words.pinKey).action((options: Options) =>
  withAuthority(options.dir, async (authority) => agree(authority, { kind: 'pin-key', key: await authority.makeNextKey() }, options)),
)

agreedCommand(program, 'retire-key', words.retireKey).action((options: Options) =>
  withAuthority(options.dir, (authority) => agree(authority, { kind: 'retire-key', until: nowSeconds() }, options)),
)

agreedCommand(program, 'restore', words.restore).action((options: Options) =>
  withAuthority(options.dir, async (authority) => agree(authority, await authority.restoreAct(options.out), options)),
)

agreedCommand(officerCommand, 'add', words.officerAdd)
  .requiredOption('--name <name>', words.officerName)
  .action((options: Options) =>
    withAuthority(options.dir, async (authority) => {
      const joining = await makeOfficer(options.name, await newPassphrase(options.name))
      const { name, signingKey, sealingKey } = joining
      return agree(authority, { kind: 'add-officer', name, signingKey, sealingKey }, options, joining)
    }),
  )

agreedCommand(officerCommand, 'remove', words.officerRemove)
  .requiredOption('--name <name>', words.officerName)
  .action((options: Options) => withAuthority(options.dir, (authority) => agree(authority, { kind: 'remove-officer', name: options.name }, options)))

command(program, 'list', words.list).action(({ dir }: Options) =>
  withAuthority(dir, (authority) => ({ ...describe(authority), ...describeStanding(authority.standing(), Date.now()) })),
)

command(program, 'log', words.log).action(({ dir }: Options) =>
  withAuthority(dir, (authority) => {
    for (const { event } of authority.log.read()) process.stdout.write(`${JSON.stringify(event)}\n`)
    return null
  }),
)

command(program, 'verify', words.verify)
  .option('--out <folder>', words.out)
  .action(({ dir, out }: Partial<Options> & { dir: string }) => withAuthority(dir, async (authority) => ({ ok: true, ...(await authority.verify(out)) })))

command(program, 'fingerprint', words.fingerprint).action(({ dir }: Options) => withAuthority(dir, describe))

try {
  await program.parseAsync()
} catch (error) {
  reportFailure(error, { french })
} finally {
  process.stdin.destroy()
}

/** Both see the same statement; each types their own passphrase, and only then is anything signed. */
async function agree(authority: Authority, act: Act, { officer, out }: Options, joining?: OfficerFile) {
  const [first, second, ...more] = officer
  if (first === undefined || second === undefined || first === second || more.length > 0) throw new AppError('authority.same-officer')
  const statement = await authority.propose(act, out)
  show(statement)
  const typed = [await passphrase(first), await passphrase(second)] as const
  const officers = await Promise.all([authority.unlock(first, typed[0]), authority.unlock(second, typed[1])])
  const done = await authority.sign(statement, officers, out, joining)
  return { ...describe(authority), ...done }
}

function show({ act, number }: Statement): void {
  say(words.statement)
  for (const line of words.acts[act.kind](act as never)) say(`  ${line}`)
  say(`  ${words.rosterNumber(number)}`)
}

async function passphrase(name: string, prompt = words.passphrase(name)): Promise<string> {
  const typed = await readSecret(prompt)
  if (typed === null) throw new AppError('usage.bad', { details: { problem: words.passphraseMissing(name) } })
  return typed
}

/** Typed twice where nobody sees it. */
async function newPassphrase(name: string): Promise<string> {
  const first = await passphrase(name, words.newPassphrase(name))
  if (process.stdin.isTTY && first !== (await passphrase(name, words.passphraseAgain))) {
    throw new AppError('usage.bad', { details: { problem: words.passphrasesDiffer } })
  }
  return first
}

function describe({ publicKey }: Authority) {
  return { authorityKey: publicKey, fingerprint: thumbprint(publicKey) }
}

async function withAuthority(folder: string, act: (authority: Authority) => object | null | Promise<object | null>): Promise<void> {
  const authority = await openAuthority(folder)
  try {
    const answer = await act(authority)
    if (answer) process.stdout.write(`${JSON.stringify(answer)}\n`)
  } finally {
    authority.close()
  }
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000)
}

function overlapDays(typed: string): number {
  const days = Number(typed)
  if (!Number.isInteger(days) || days < 1 || days > 90) throw new AppError('usage.bad', { details: { problem: words.overlapDays } })
  return days
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
