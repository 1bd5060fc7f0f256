import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

const shipped = ['shared', 'agent', 'authority', 'cli', 'cloud', 'main', 'preload', 'release', 'renderer', 'sandbox', 'scripts']

/** How long `expect.poll` looks before it gives up. Its own default of one second is too short where two cores do the work of ten processes. */
const expectation = { poll: { timeout: 15_000 } }

const faults = ['allow-list', 'network', 'sandbox', 'supervisor', 'tunnel'].map((name) => `test/e2e/${name}.test.ts`)
const patient = { testTimeout: 180_000, hookTimeout: 120_000, expect: expectation }

/**
 * `unit`: beside the code. `system`: whole parts in one process. `window`: the built window in a browser. `e2e`: the sandbox as it is started by hand, real processes.
 * `faults`: those of them that measure sockets or kill, hang and fill up what they run on, one file after the other, so that nothing competes with them. `browser`,
 * `standin`, `electron`: the same bodies of `test/desktop/`, with the desktop client in the browser host, in the Electron stand-in and in Electron itself.
 */
export default defineConfig({
  test: {
    // Left alone it keeps a core free, which on two leaves one; half of each test is waiting, so three keep two cores busy.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    projects: [
      {
        test: {
          name: 'unit',
          include: [...shipped.map((folder) => `${folder}/**/*.test.{ts,tsx}`), 'test/*.test.ts', 'test/support/**/*.test.ts', 'test/bench/**/*.test.ts'],
          // Some start our own programs, one after the other; on a busy machine each of those needs seconds.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: expectation,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/system/**/*.test.ts', 'test/proxies/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: expectation,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'window',
          include: ['test/window/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: expectation,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: faults,
          ...patient,
          sequence: { groupOrder: 2 },
        },
      },
      { test: { name: 'faults', include: faults, ...patient, fileParallelism: false, sequence: { groupOrder: 3 } } },
      ...(['browser', 'standin', 'electron'] as const).map((host, at) => ({
        test: {
          name: host,
          include: ['test/desktop/**/*.test.ts'],
          env: { GANTRY_HOST: host },
          ...patient,
          fileParallelism: false,
          sequence: { groupOrder: 4 + at },
        },
      })),
    ],
  },
})
