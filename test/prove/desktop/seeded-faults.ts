import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Proof, type Row, row } from '../proof.ts'
import { type Fault, faults } from './fault-list.ts'
import { type Ran, root, runBodies } from './run-bodies.ts'

/** Below the project, where the built files find their modules. */
const folder = join(root, 'out/faults')

export const seededFaults: Proof = {
  name: 'seeded-faults',
  title: 'Faults seeded in the built main process and bridge are noticed',
  covers: ['D40', 'D32'],
  method:
    'Each fault replaces one text of a copy of `out/main/main.cjs` or `out/preload/preload.cjs`; then the body that has to notice runs on that copy in the stand-in, until its first failure. The same copy without a fault passes.',
  limits: [
    'faults behind a second guard (the address of a frame beside its place in the tree, `will-navigate` beside `will-frame-navigate`) are noticed by the unit tests beside the code, which is why both are there.',
  ],
  async run({ quick, say }) {
    const chosen = quick ? faults.slice(0, 3) : faults
    const rows: Row[] = []
    for (const body of new Set(chosen.map((fault) => fault.body))) {
      const { passed, failed } = await runOn(null, body)
      rows.push(row(`${body} on the copy without a fault`, 'all pass', `${passed} passed, ${failed} failed`, failed === 0 && passed > 0))
    }
    let caught = 0
    for (const fault of chosen) {
      const { failed, firstFailure } = await runOn(fault, fault.body)
      say(`${failed > 0 ? 'caught' : 'MISSED'}: ${fault.what}`)
      if (failed > 0) caught += 1
      rows.push(row(fault.what, 'noticed', failed > 0 ? `by “${firstFailure}”` : 'by nothing', failed > 0))
    }
    rmSync(folder, { recursive: true, force: true })
    return [
      row('faults noticed', quick ? 'all' : 'all, 20 at least', `${caught} of ${chosen.length}`, caught === chosen.length && (quick || caught >= 20)),
      ...rows,
    ]
  },
}

/** The main job is cut short: whoever notices does so early. */
function runOn(fault: Fault | null, body: Fault['body']): Promise<Ran> {
  return runBodies('standin', [body], { GANTRY_APP: seed(fault), GANTRY_WHOLE: body === 'main-job' ? '0' : '1' }, ['--bail', '1'])
}

/** The copy's main script. */
function seed(fault: Fault | null): string {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const part of ['main', 'preload']) cpSync(join(root, 'out', part), join(folder, part), { recursive: true })
  symlinkSync(join(root, 'out/renderer'), join(folder, 'renderer'))
  if (fault) {
    const file = join(folder, fault.file, `${fault.file}.cjs`)
    const pieces = readFileSync(file, 'utf8').split(fault.find)
    if (pieces.length !== 2) throw new Error(`"${fault.what}": its text is ${pieces.length - 1} times in ${fault.file}.cjs`)
    writeFileSync(file, pieces.join(fault.put))
  }
  return join(folder, 'main/main.cjs')
}
