import { z } from 'zod'

/** The browser host's `--config FILE`. */
export const Config = z.strictObject({
  /** Settings, log, audit and transfers of this window's person; made where missing. */
  profileDir: z.string().min(1),
  /** The running sandbox whose secret store is used. Without one every sign-in is refused with `auth.keychain-missing`: this host has no keychain. */
  sandboxDir: z.string().min(1).nullable(),
  mainServer: z.url(),
  /** Further names of the same main server, in the order in which they are tried (R024). */
  otherNames: z.array(z.url()).max(7).default([]),
  /** PEM file of the only CA that the servers' certificates may chain to. */
  ca: z.string().min(1),
  /** The built window: `out/renderer`. */
  rendererDir: z.string().min(1),
  /** Why this host runs in place of Electron: shown in the window. */
  reason: z.string().min(1).max(300),
  /** What the window speaks until somebody chooses another. */
  language: z.enum(['en', 'fr']).default('en'),
  port: z.number().int().min(0).max(65_535).default(0),
  stopWithStdin: z.boolean().default(false),
})
export type Config = z.infer<typeof Config>
