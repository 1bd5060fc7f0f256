import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { z } from 'zod'

/** `gantry.json`, which the installer or the administrator puts beside the app; the sandbox names one with `--config=FILE`. */
const Config = z.strictObject({
  mainServer: z.url(),
  /** Further names of the same main server, in the order in which they are tried (R024). */
  otherNames: z.array(z.url()).max(7).default([]),
  /** PEM file of the only CA that the servers' certificates may chain to. */
  ca: z.string().min(1),
  /** Where settings, log and audit go; null = the platform's place for this app. */
  profileDir: z.string().min(1).nullable().default(null),
  /** A running sandbox, whose secret store stands in for the keychain; null everywhere else. */
  sandboxDir: z.string().min(1).nullable().default(null),
})
export type Config = z.infer<typeof Config>

/** Errors: `state.unreadable {path}`. */
export function readConfig(argv: string[], resourcesPath: string): Config {
  const named = argv.find((argument) => argument.startsWith('--config='))?.slice('--config='.length)
  const path = named ?? join(resourcesPath, 'gantry.json')
  try {
    return Config.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    throw new AppError('state.unreadable', { details: { path }, cause })
  }
}
