import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runPart } from '@gantry/shared/node/process.ts'
import { z } from 'zod'
import { createLog } from '../log.ts'
import { stopWithinMs } from './judge.ts'
import { supervise } from './supervise.ts'

/** All that the supervisor itself has to know; the agent checks the whole file and says what does not fit. */
const Config = z.object({ stopWithStdin: z.boolean().default(false) })

/** Starts `agent/main.ts` with the same config, and again when it crashed or hung. Its own ready line repeats the agent's first one. */
await runPart({
  Config,
  stopWithinMs: stopWithinMs + 1_000,
  async main(_config, signal, ready) {
    const agent = join(dirname(fileURLToPath(import.meta.url)), '..', 'main.ts')
    await supervise({ argv: [agent, ...process.argv.slice(2)], signal, onReady: ready, log: createLog('supervisor') })
  },
})
