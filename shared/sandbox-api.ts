import { z } from 'zod'
import type { Contract } from './contract.ts'
import { PanelInput, PanelState } from './panel.ts'

/**
 * The sandbox's control socket: 0600 in a 0700 folder, lines of JSON {"id","name","input"} → {"id","result"}. `DIR/sandbox.json` (SandboxFile, no secret) says where it is.
 * It holds the secret store that `gantry --sandbox DIR` uses in place of the OS keychain, in memory: gone when the sandbox stops.
 */
export const SandboxFile = z.object({
  version: z.literal(1),
  pid: z.number(),
  controlSocket: z.string(),
  mainServer: z.url(),
  ca: z.string(),
  /** Folder of the desktop client's and command line's settings, log and audit. */
  clientProfile: z.string(),
})
export type SandboxFile = z.infer<typeof SandboxFile>

const none = z.strictObject({})
const name = z.string().min(1).max(200)
export const sandboxApi = {
  'secret.get': { input: z.strictObject({ name }), output: z.object({ value: z.string().nullable() }) },
  'secret.set': { input: z.strictObject({ name, value: z.string().max(20_000) }), output: none },
  'secret.delete': { input: z.strictObject({ name }), output: none },
  /** For a sign-in without a person: the sandbox's own specialist. */
  'specialist.credentials': { input: none, output: z.object({ username: z.string(), password: z.string(), totpSecret: z.string() }) },
  'panel.state': { input: z.strictObject({ device: z.string().max(120) }), output: PanelState },
  'panel.input': { input: z.strictObject({ device: z.string().max(120), input: PanelInput }), output: none },
} satisfies Contract
export type SandboxApi = typeof sandboxApi
