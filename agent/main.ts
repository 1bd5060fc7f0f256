import { runPart } from '@gantry/shared/node/process.ts'
import { runAgent } from './agent-process.ts'
import { Config } from './config.ts'

/**
 * `node main.ts --config device.json` is the agent; `check` and `allow-list` before the options are looks at the same device that end by themselves, `policy` is the
 * customer's tool for its rules.
 */
const [command] = process.argv.slice(2)
if (command === 'check' || command === 'allow-list') {
  const { runCommand } = await import('./check/command.ts')
  process.exitCode = await runCommand(process.argv.slice(2))
} else if (command === 'policy') {
  const { runPolicyCommand } = await import('./policy/command.ts')
  process.exitCode = await runPolicyCommand(process.argv.slice(2))
} else {
  await runPart({ Config, main: runAgent })
}
