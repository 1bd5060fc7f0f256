import { existsSync } from 'node:fs'
import { AppError } from '@gantry/shared/errors.ts'
import { Feature } from '@gantry/shared/licences.ts'
import { readJsonFile, writeJsonFile } from '@gantry/shared/node/json-file.ts'
import { KeyFile, makeKeyFile, minPassphrase, openKeyFile } from '@gantry/shared/node/key-file.ts'
import { reportFailure } from '@gantry/shared/node/report-failure.ts'
import { createSecretReader } from '@gantry/shared/node/secret-line.ts'
import { thumbprint } from '@gantry/shared/node/signing.ts'
import { Release, UpdateTarget } from '@gantry/shared/update-manifest.ts'
import { releaseEn } from '@gantry/shared/words/release.en.ts'
import { releaseFr } from '@gantry/shared/words/release.fr.ts'
import { Command } from 'commander'
import { z } from 'zod'
import { draftLicensed, writeLicensed } from './licensed.ts'
import { usage } from './published.ts'
import { type Draft, draftChange, draftRelease, writeDraft } from './release.ts'

/**
 * `release`: run by the vendor's release officer, on a computer without a network. Each command prints one line of JSON on stdout; what is read and typed goes over stderr and the
 * terminal, or a pipe. Exit codes: 0 done, 1 failed, 2 usage, 3 refused.
 */
const french = /^fr/i.test(process.env.LC_ALL || process.env.LC_MESSAGES || process.env.LANG || '')
const words = french ? releaseFr : releaseEn
const readSecret = createSecretReader(process)

const whole = z.coerce.number().int()
const Options = z.object({
  key: z.string(),
  out: z.string(),
  from: z.string().default(''),
  release: Release.default('0.0.0'),
  first: z.boolean().default(false),
  percentage: whole.optional(),
  minimum: Release.optional(),
  days: whole.default(14),
  halt: z.boolean().default(false),
  goOn: z.boolean().default(false),
  ...UpdateTarget.shape,
})
type Options = z.infer<typeof Options>
const LicensedOptions = z.object({
  key: z.string(),
  out: z.string(),
  feature: Feature,
  file: z.string().nullable().default(null),
  release: Release.default('0.0.0'),
  first: z.boolean().default(false),
  days: whole.default(90),
})

const program = new Command('release').description(words.about)
program.command('key').description(words.key).requiredOption('--key <file>', words.keyFile).action(makeKey)

signing('publish', words.publish)
  .requiredOption('--from <folder>', words.from)
  .requiredOption('--release <number>', words.release)
  .option('--first', words.first)
  .action((given) => signUpdate(given, ({ from, release, first, ...wishes }, at) => draftRelease(at, { from, release, isFirst: first, ...wishes })))

signing('change', words.change)
  .option('--halt', words.halt)
  .option('--go-on', words.goOn)
  .action((given) => signUpdate(given, ({ halt, goOn, ...wishes }, at) => draftChange(at, { ...wishes, halted: halt ? true : goOn ? false : undefined })))

program
  .command('licensed')
  .description(words.licensed)
  .requiredOption('--key <file>', words.keyFile)
  .requiredOption('--out <folder>', words.out)
  .requiredOption('--feature <name>', words.feature)
  .option('--file <file>', words.licensedFile)
  .option('--release <number>', words.release)
  .option('--days <number>', words.licensedDays)
  .option('--first', words.firstLicensed)
  .action(signLicensed)

try {
  await program.parseAsync()
} catch (error) {
  reportFailure(error, { french })
} finally {
  process.stdin.destroy()
}

function signing(name: string, about: string): Command {
  return program
    .command(name)
    .description(about)
    .requiredOption('--key <file>', words.keyFile)
    .requiredOption('--out <folder>', words.out)
    .requiredOption('--channel <name>', words.channel)
    .requiredOption('--platform <name>', words.platform)
    .requiredOption('--arch <name>', words.arch)
    .option('--percentage <number>', words.percentage)
    .option('--minimum <number>', words.minimum)
    .option('--days <number>', words.days)
}

async function makeKey({ key }: { key: string }): Promise<void> {
  if (existsSync(key)) throw usage(words.keyThere(key))
  const passphrase = (await readSecret(words.newPassphrase(minPassphrase))) ?? ''
  if (passphrase.length < minPassphrase) throw usage(words.newPassphrase(minPassphrase))
  if (process.stdin.isTTY && (await readSecret(words.again)) !== passphrase) throw new AppError('update.key-wrong')
  const { file } = await makeKeyFile('update', passphrase)
  writeJsonFile(key, file)
  print({ updateKey: file.publicJwk, fingerprint: thumbprint(file.publicJwk) })
}

async function signUpdate(given: unknown, draft: (options: Options, at: Parameters<typeof draftChange>[0]) => Promise<Draft>): Promise<void> {
  const options = parse(Options, given)
  const { out, channel, platform, arch } = options
  const file = readJsonFile(options.key, KeyFile)
  const drafted = await draft(options, { out, target: { channel, platform, arch }, publicKey: file.publicJwk, nowMs: Date.now(), words })
  const key = await unlock(file, words.lines(drafted.manifest))
  const { release, serial, percentage, halted, expiresAt } = drafted.manifest
  print({ manifest: await writeDraft(out, drafted, key), release, serial, percentage, halted, expiresAt })
}

async function signLicensed(given: unknown): Promise<void> {
  const { out, feature, first, ...wishes } = parse(LicensedOptions, given)
  const file = readJsonFile(wishes.key, KeyFile)
  const drafted = await draftLicensed({ out, feature, publicKey: file.publicJwk, nowMs: Date.now(), words }, { ...wishes, isFirst: first })
  const key = await unlock(file, words.licensedLines(drafted.manifest))
  const { release, serial, expiresAt } = drafted.manifest
  print({ manifest: await writeLicensed(out, drafted, key), feature, release, serial, expiresAt })
}

function parse<T>(schema: z.ZodType<T>, given: unknown): T {
  const { data, error } = schema.safeParse(given)
  if (error) throw new AppError('contract.bad-input', { cause: error, details: { field: `--${String(error.issues[0]?.path[0] ?? '')}` } })
  return data
}

/** What is going to be signed is shown before the passphrase is asked. */
async function unlock(file: KeyFile, lines: readonly string[]) {
  say(words.statement)
  for (const line of lines) say(`  ${line}`)
  return openKeyFile('update', file, (await readSecret(words.passphrase)) ?? '')
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
