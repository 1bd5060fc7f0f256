import type { Io } from './console.ts'

/**
 * `gantry`, and the two processes behind a printed ssh configuration. Those two are no commands for people, and the proxy runs once per OpenSSH connection, so
 * neither loads the command table.
 */
const [first, second] = process.argv.slice(2)
const io: Io = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, env: process.env }

// A reader that has seen enough (`gantry devices | head -1`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

if (first === 'ssh-proxy' && second !== undefined) {
  const { runProxy } = await import('./ssh-config/proxy.ts')
  await leave(await runProxy(second, io))
} else if (first === 'ssh-broker' && second !== undefined) {
  const { runBroker } = await import('./ssh-config/broker-process.ts')
  await runBroker(second)
  process.exit(0)
} else {
  const { run } = await import('./program.ts')
  await leave(await run(process.argv.slice(2), io))
}

/** On a pipe to a slow reader the answer may still be in memory, and `process.exit` would cut it. */
async function leave(code: number): Promise<never> {
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((resolve) => stream.write('', resolve))))
  process.exit(code)
}
