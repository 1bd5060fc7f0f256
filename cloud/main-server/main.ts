import { once } from 'node:events'
import { runPart } from '@gantry/shared/node/process.ts'
import { pino } from 'pino'
import { startMainServer } from './app.ts'
import { Config } from './config.ts'

await runPart({
  Config,
  async main(config, signal, ready) {
    const log = pino({ base: { part: 'main-server' } }, pino.destination({ dest: 2, sync: true }))
    const server = await startMainServer(config, { log })
    ready({ peopleOrigin: server.peopleOrigin, agentOrigin: server.agentOrigin, pid: process.pid })
    if (!signal.aborted) await once(signal, 'abort')
    await server.close()
  },
})
