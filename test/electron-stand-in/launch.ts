import { join } from 'node:path'

/**
 * Takes Electron's command line and becomes Node with the stand-in in it. Node's own options are sorted out as Electron does: `-r` modules are loaded first,
 * `--inspect` is Node's; all else stays for the app and for Chromium.
 */
const argv = process.argv.slice(2)
const options: string[] = []
for (let at = 0; at < argv.length; at++) {
  const argument = argv[at] as string
  if (argument === '-r') options.push(argument, argv[++at] as string)
  else if (argument.startsWith('--inspect')) options.push(argument)
}
const node = [process.execPath, '--disable-warning=ExperimentalWarning', '-r', join(import.meta.dirname, 'register.ts'), ...options]
process.execve?.(process.execPath, [...node, join(import.meta.dirname, 'boot.ts')], {
  ...process.env,
  STAND_IN_ARGV: JSON.stringify([process.execPath, ...argv]),
})
