import type { Credentials } from '../../../cli/sign-in-walk/walk.ts'

/** What a client with the keychain of its environment is told, as one line on its standard input: on a command line or in an environment everybody would read it. */
export type KeyedTask = {
  profile: string
  mainServer: string
  ca: string
  credentials: Credentials
  pin: string
  device: string
  act: Act
}
export type Act =
  | { kind: 'start' }
  | { kind: 'sign-in' }
  | { kind: 'make-keys' }
  /** As if they had been born here and certified. */
  | { kind: 'keep'; secrets: Partial<Record<SecretKept, string>> }
  /** Everything that the keychain holds, to whoever started it. */
  | { kind: 'tell' }
  | { kind: 'ask'; access: 'files' | 'os'; work: Work }
export type Work = { kind: 'none' } | { kind: 'type'; text: string } | { kind: 'transfer'; from: string; to: string }
export const secretsKept = [
  'specialist-key',
  'support-key',
  'certificate',
  'next-specialist-key',
  'next-support-key',
  'certification-request',
  'sign-in',
  'audit-key',
] as const
export type SecretKept = (typeof secretsKept)[number]

/** One line each. */
export type KeyedSaid = { step: string } | { code: string } | { failure: string } | { secrets: Partial<Record<SecretKept, string>> }
