import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { readJsonFile, readJsonFileIfThere, writeJsonFile } from '@gantry/shared/node/json-file.ts'
import { SandboxFile } from '@gantry/shared/sandbox-api.ts'
import type { CommandLineWords } from '@gantry/shared/words/command-line.en.ts'
import { z } from 'zod'
import { usageError } from './exit-code.ts'

/** Where a command works: in a sandbox's state folder, or in the person's own profile. It is plain data, so that a printed ssh configuration can keep it. */
export const Place = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('sandbox'), folder: z.string() }),
  z.strictObject({
    kind: z.literal('profile'),
    folder: z.string(),
    server: z.url().nullable(),
    otherNames: z.array(z.url()).default([]),
    caFile: z.string().nullable(),
  }),
])
export type Place = z.infer<typeof Place>
/** What `sign-in --server URL --ca FILE` remembers in the profile; the desktop client reads it too. */
export const RememberedServer = z.strictObject({ version: z.literal(1), server: z.url(), otherNames: z.array(z.url()).default([]), caFile: z.string() })

export type PlaceOptions = { sandbox?: string | undefined; server?: string | undefined; ca?: string | undefined }

export function findPlace({ sandbox, server, ca }: PlaceOptions, env: NodeJS.ProcessEnv, words: CommandLineWords['usage']): Place {
  if (sandbox !== undefined) {
    if (server !== undefined || ca !== undefined) throw usageError(words.sandboxAndServer, '--sandbox')
    return { kind: 'sandbox', folder: resolve(sandbox) }
  }
  const folder = profileFolder(env, process.platform)
  const remembered = readJsonFileIfThere(rememberedPath(folder), RememberedServer)
  const [first = null, ...otherNames] = server === undefined ? (remembered ? [remembered.server, ...remembered.otherNames] : []) : parseServers(server, words)
  return {
    kind: 'profile',
    folder,
    server: first,
    otherNames,
    caFile: ca === undefined ? (remembered?.caFile ?? null) : resolve(ca),
  }
}

/** The settings folder that each system keeps for programs; one for the desktop client and the command line. */
export function profileFolder(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'gantry')
  if (platform === 'win32') return join(env.APPDATA || join(homedir(), 'AppData', 'Roaming'), 'gantry')
  // XDG Base Directory Specification: a relative path is to be ignored.
  return join(env.XDG_CONFIG_HOME?.startsWith('/') ? env.XDG_CONFIG_HOME : join(homedir(), '.config'), 'gantry')
}

/** The settings and audit folder of a place, where it can be known without anything running. */
export function profileOf(place: Place): string | null {
  if (place.kind === 'profile') return place.folder
  return existsSync(join(place.folder, 'sandbox.json')) ? readSandbox(place.folder).clientProfile : null
}

export function remember(place: Place): void {
  if (place.kind !== 'profile' || place.server === null || place.caFile === null) return
  mkdirSync(place.folder, { recursive: true, mode: 0o700 })
  writeJsonFile(rememberedPath(place.folder), { version: 1, server: place.server, otherNames: place.otherNames, caFile: place.caFile })
}

/** Throws `sandbox.not-running` where the folder holds no sandbox. */
export function readSandbox(folder: string): SandboxFile {
  const path = join(folder, 'sandbox.json')
  if (!existsSync(path)) throw new AppError('sandbox.not-running', { details: { folder } })
  return readJsonFile(path, SandboxFile)
}

/** PEM text of the CA, or `usage.bad` naming the file. */
export function readCa(path: string, words: CommandLineWords['usage']): string {
  const pem = existsSync(path) ? readFileSync(path, 'utf8') : ''
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw usageError(words.badCa(path), '--ca')
  return pem
}

/** One address, or several names of the same main server with commas between them, in the order in which they are tried (R024). */
function parseServers(text: string, words: CommandLineWords['usage']): string[] {
  return text.split(',').map((one) => parseServer(one.trim(), words))
}

function parseServer(text: string, words: CommandLineWords['usage']): string {
  const url = URL.canParse(text) ? new URL(text) : null
  // Encryption is the default for all communications (R060): there is no way to name a server without it.
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '') throw usageError(words.badServer, '--server')
  return url.origin
}

function rememberedPath(folder: string): string {
  return join(folder, 'server.json')
}
