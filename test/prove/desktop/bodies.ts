import { findElectron } from '../../../sandbox/electron.ts'
import { type Proof, row } from '../proof.ts'
import { runBodies } from './run-bodies.ts'

/** The bodies of `test/desktop/`, all of them, in each host that has Electron's shell. */
export const bodies: Proof = {
  name: 'bodies',
  title: 'The desktop client as it is built does the main job, and its shell refuses what it should',
  covers: ['R118', 'D32', 'D34', 'T10', 'T11'],
  method:
    'The built `out/main/main.cjs` and `out/preload/preload.cjs`, byte for byte, on the Electron stand-in: the main job beside a real sandbox (sign-in, request, matching code, terminal, files, step-up, a main server that dies), a rehearsal on a practice device, the shell alone, starting and stopping, and Electron’s security checklist.',
  limits: ['what only Electron itself shows: test/electron-stand-in/README.md. Where its runtime is there, the same bodies run on it in the same command.'],
  async run({ quick }) {
    const files = quick ? ['shell', 'checklist'] : ['main-job', 'rehearsal', 'shell', 'life', 'checklist']
    const hosts = findElectron(process.env.ELECTRON_OVERRIDE_DIST_PATH ? {} : process.env) ? (['standin', 'electron'] as const) : (['standin'] as const)
    const rows = []
    for (const host of hosts) {
      for (const file of files) {
        const { passed, failed, skipped, firstFailure } = await runBodies(host, [file])
        const found = `${passed} passed, ${failed} failed, ${skipped} of another host${firstFailure ? `; first: ${firstFailure}` : ''}`
        rows.push(row(`test/desktop/${file}.test.ts in ${host}`, 'all pass', found, failed === 0 && passed > 0))
      }
    }
    return rows
  },
}
