import { runPart } from '@gantry/shared/node/process.ts'
import { createLog } from '../log.ts'
import { Config } from './config.ts'
import { startPanel } from './panel.ts'

/** The front panel as a process: its screen is whoever reads stdout and writes stdin (the device's kiosk; the sandbox). */
await runPart({
  Config,
  readsStdin: true,
  async main(config, signal, ready) {
    const screen = { input: process.stdin, output: process.stdout }
    await startPanel({ config, screen, log: createLog('panel'), signal, onBound: ready })
    const { promise, resolve } = Promise.withResolvers<void>()
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
    await promise
  },
})
