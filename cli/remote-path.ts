import type { CommandLineWords } from '@gantry/shared/words/command-line.en.ts'
import { usageError } from './exit-code.ts'

/** DEVICE:PATH as scp writes it. The first colon parts them, so a name with a colon is written by its id; a path is within the device's files, from their root. */
export type RemotePath = { device: string; path: string }

/** As the help shows it; the words in capitals are the same in every language, as the names of options are. */
export const transferUsage = { put: 'LOCAL… DEVICE:PATH', get: 'DEVICE:PATH… LOCAL' } as const

export function parseRemotePath(text: string, words: CommandLineWords['usage']): RemotePath {
  const colon = text.indexOf(':')
  if (colon < 1) throw usageError(words.remotePath(text))
  const path = text.slice(colon + 1)
  return { device: text.slice(0, colon), path: path.startsWith('/') ? path : `/${path}` }
}

export type PutPaths = { device: string; from: string[]; to: string }

export function parsePutPaths(paths: string[], words: CommandLineWords['usage']): PutPaths {
  const last = paths.at(-1)
  if (last === undefined || paths.length < 2) throw usageError(words.missingArgument(last === undefined ? transferUsage.put : 'DEVICE:PATH'))
  const { device, path } = parseRemotePath(last, words)
  return { device, from: paths.slice(0, -1), to: path }
}

export function parseGetPaths(paths: string[], words: CommandLineWords['usage']): PutPaths {
  const last = paths.at(-1)
  if (last === undefined || paths.length < 2) throw usageError(words.missingArgument(last === undefined ? transferUsage.get : 'LOCAL'))
  const remotes = paths.slice(0, -1).map((text) => parseRemotePath(text, words))
  const device = remotes[0]?.device ?? ''
  if (remotes.some((remote) => remote.device !== device)) throw usageError(words.oneDevice)
  return { device, from: remotes.map(({ path }) => path), to: last }
}
