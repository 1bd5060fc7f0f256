import { runPart } from '@gantry/shared/node/process.ts'
import pino from 'pino'
import { startAccessServer } from './access-server.ts'
import { Config } from './config.ts'

await runPart({
  Config,
  stopWithinMs: ({ limits }) => limits.drainMs + 2_000,
  async main(config, signal, ready) {
    const log = pino({ base: { part: 'access-server', name: config.name } }, pino.destination({ dest: 2, sync: true }))
    const server = await startAccessServer(config, { log: (level, facts, message) => log[level](facts, message) })
    ready({ origin: server.origin, pid: process.pid })
    await new Promise<void>((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })))
    await server.close()
  },
})
