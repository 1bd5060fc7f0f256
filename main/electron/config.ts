import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { PublicJwk } from '@gantry/shared/ticket.ts'
import { UpdateTarget } from '@gantry/shared/update-manifest.ts'
import { z } from 'zod'

/** `gantry.json`, which the installer or the administrator puts beside the app. */
const Config = z.strictObject({
  mainServer: z.url(),
  /** Further names of the same main server, in the order in which they are tried (R024). */
  otherNames: z.array(z.url()).max(7).default([]),
  /** PEM file of the only CA that the servers' certificates may chain to. */
  ca: z.string().min(1),
  /** Where settings, log and audit go; null = the platform's place for this app. */
  profileDir: z.string().min(1).nullable().default(null),
  /** The public half of the vendor's update key, under which new versions of this app are taken (`release/README.md`); null: it does not update itself. */
  updates: z
    .strictObject({ key: PublicJwk, channel: UpdateTarget.shape.channel.default('stable') })
    .nullable()
    .default(null),
})
/** What the sandbox names with `--config=FILE`. */
export const DevelopmentConfig = Config.extend({
  /** A running sandbox, whose secret store stands in for the keychain; null everywhere else. */
  sandboxDir: z.string().min(1).nullable().default(null),
  /** It ends when its stdin does, as every part of a sandbox. */
  stopWithStdin: z.boolean().default(false),
})
export type Config = z.infer<typeof DevelopmentConfig>

/**
 * A package takes its main server, its CA and its keychain from the file that was installed with it, and from no command line: a link or a script that starts
 * the app must not be able to say whom it trusts. Errors: `usage.not-in-package {option}`, `state.unreadable {path}`.
 */
export function readConfig({ argv, resourcesPath, isPackaged }: { argv: readonly string[]; resourcesPath: string; isPackaged: boolean }): Config {
  const named = argv.find((argument) => /^--config(=|$)/.test(argument))
  if (named !== undefined && isPackaged) throw new AppError('usage.not-in-package', { details: { option: '--config' } })
  const path = named?.slice('--config='.length) ?? join(resourcesPath, 'gantry.json')
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return isPackaged ? { ...Config.parse(value), sandboxDir: null, stopWithStdin: false } : DevelopmentConfig.parse(value)
  } catch (cause) {
    throw new AppError('state.unreadable', { details: { path }, cause })
  }
}
