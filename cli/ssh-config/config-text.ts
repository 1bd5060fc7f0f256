import type { CommandLineWords } from '@gantry/shared/words/command-line.en.ts'
import { usageError } from '../exit-code.ts'
import { quote } from './host-name.ts'
import { algorithm } from './ssh-wire.ts'

/** What a printed configuration says. Paths are absolute. */
export type ConfigFacts = {
  hostPattern: string
  deviceId: string
  username: string
  proxyCommand: string[]
  agentSocket: string
  identityFiles: string[]
  knownHosts: string
}

/** The OpenSSH configuration (ssh_config(5)) of one session. Throws `usage.bad` for a path that OpenSSH cannot be given. */
export function configText(facts: ConfigFacts, words: CommandLineWords['usage']): string {
  const file = (path: string) => quotePath(path, words)
  const lines: [string, string][] = [
    // Any name would do, since ProxyCommand finds the device; this one makes %h and what ssh prints the same whatever was typed.
    ['HostName', facts.deviceId],
    ['User', facts.username],
    ['ProxyCommand', quoteCommand(facts.proxyCommand, words)],
    ['IdentitiesOnly', 'yes'],
    ['IdentityAgent', file(facts.agentSocket)],
    ...facts.identityFiles.map((path): [string, string] => ['IdentityFile', file(path)]),
    ['PreferredAuthentications', 'publickey'],
    ['HostKeyAlias', facts.deviceId],
    ['HostKeyAlgorithms', algorithm],
    ['Ciphers', 'aes256-gcm@openssh.com,aes128-gcm@openssh.com'],
    ['StrictHostKeyChecking', 'yes'],
    ['UserKnownHostsFile', file(facts.knownHosts)],
    ['GlobalKnownHostsFile', 'none'],
    ['UpdateHostKeys', 'no'],
    ['VerifyHostKeyDNS', 'no'],
    ['CheckHostIP', 'no'],
    ['ForwardAgent', 'no'],
    ['ForwardX11', 'no'],
    ['AddKeysToAgent', 'no'],
    ['Compression', 'no'],
  ]
  return `Host ${facts.hostPattern}\n${lines.map(([name, value]) => `  ${name} ${value}\n`).join('')}`
}

/** File names know %-tokens and ${variables} (ssh_config(5), TOKENS); a percent sign can be doubled, for the rest there is no escape. */
function quotePath(path: string, words: CommandLineWords['usage']): string {
  const slashed = process.platform === 'win32' ? path.replaceAll('\\', '/') : path
  refuseUnwritable(slashed, words)
  if (/["\\]|\$\{|^\$/.test(slashed)) throw usageError(words.notAPath)
  return quote(slashed.replaceAll('%', '%%'))
}

/**
 * ProxyCommand goes to the person's shell with %-tokens put in, after OpenSSH has checked that its quotes pair up by rules of its own. So: single quotes, which
 * every shell knows; a quote or a backslash stands outside them behind a backslash, where OpenSSH and shells read the same.
 */
export function quoteCommand(command: string[], words: CommandLineWords['usage']): string {
  const argument = (text: string) => text.replaceAll(/[^'\\]+|['\\]/g, (part) => (part === "'" || part === '\\' ? `\\${part}` : `'${part}'`))
  for (const text of command) refuseUnwritable(text, words)
  return command.map(argument).join(' ').replaceAll('%', '%%')
}

function refuseUnwritable(text: string, words: CommandLineWords['usage']): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a line end would begin another setting
  if (/[\u0000-\u001f\u007f]/.test(text)) throw usageError(words.notAPath)
}
