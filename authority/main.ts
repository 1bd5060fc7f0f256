import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { AppError, errorCodes, toFailure } from '@gantry/shared/errors.ts'
import { readJsonFile, writeFileWhole } from '@gantry/shared/node/json-file.ts'
import { thumbprint } from '@gantry/shared/node/signing.ts'
import { authorityEn } from '@gantry/shared/words/authority.en.ts'
import { authorityFr } from '@gantry/shared/words/authority.fr.ts'
import { errorsEn } from '@gantry/shared/words/errors.en.ts'
import { errorsFr } from '@gantry/shared/words/errors.fr.ts'
import { Command } from 'commander'
import { type Authority, createAuthority, hasAuthority, openAuthority, Person, readCertificates, readRosterIfThere } from './authority.ts'

/** `authority`: run at the vendor's security office, on a computer without a network. Each command prints one line of JSON. */
const french = /^fr/i.test(process.env.LC_ALL || process.env.LC_MESSAGES || process.env.LANG || '')
const words = french ? authorityFr : authorityEn

const program = new Command('authority').description(words.about)

program
  .command('init')
  .description(words.init)
  .requiredOption('--dir <folder>', words.folder)
  .action(({ dir }: { dir: string }) => {
    createAuthority(dir)
    return withAuthority(dir, (authority) => describe(authority))
  })

program
  .command('certify')
  .description(words.certify)
  .requiredOption('--dir <folder>', words.folder)
  .requiredOption('--request <file>', words.request)
  .requiredOption('--out <folder>', words.out)
  .action(({ dir, request, out }: { dir: string; request: string; out: string }) => {
    const person = readJsonFile(request, Person)
    if (!hasAuthority(dir)) createAuthority(dir)
    return withAuthority(dir, async (authority) => {
      const certificate = await authority.certify(person)
      put(join(out, 'certificates', `${person.username}.jws`), certificate)
      return { ...describe(authority), certificate, ...(await publishRoster(authority, out)) }
    })
  })

program
  .command('roster')
  .description(words.roster)
  .requiredOption('--dir <folder>', words.folder)
  .requiredOption('--out <folder>', words.out)
  .action(({ dir, out }: { dir: string; out: string }) =>
    withAuthority(dir, async (authority) => ({ ...describe(authority), ...(await publishRoster(authority, out)) })),
  )

program
  .command('fingerprint')
  .description(words.fingerprint)
  .requiredOption('--dir <folder>', words.folder)
  .action(({ dir }: { dir: string }) => withAuthority(dir, (authority) => describe(authority)))

try {
  await program.parseAsync()
} catch (error) {
  const failure = toFailure(error)
  const { what, todo } = (french ? errorsFr : errorsEn)[failure.code](failure.details ?? {})
  process.stderr.write(`${failure.code}: ${what} ${todo}\n`)
  process.exitCode = errorCodes[failure.code].exit
}

/** Signs a roster over the certificates in the folder, and puts it beside them. */
async function publishRoster(authority: Authority, out: string): Promise<{ rosterNumber: number; people: number }> {
  const path = join(out, 'roster.jws')
  const { roster, number, people } = await authority.signRoster(readCertificates(join(out, 'certificates')), readRosterIfThere(path))
  put(path, roster)
  return { rosterNumber: number, people }
}

function describe(authority: Authority) {
  return { authorityKey: authority.publicJwk, fingerprint: thumbprint(authority.publicJwk) }
}

async function withAuthority(folder: string, act: (authority: Authority) => object | Promise<object>): Promise<void> {
  if (!hasAuthority(folder)) throw new AppError('state.unreadable', { details: { path: folder } })
  const authority = openAuthority(folder)
  try {
    process.stdout.write(`${JSON.stringify(await act(authority))}\n`)
  } finally {
    authority.close()
  }
}

function put(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileWhole(path, `${content}\n`, 0o644)
}
