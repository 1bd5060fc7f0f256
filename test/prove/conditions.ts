import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Told } from '../support/conditions/steps.ts'
import { type Fault, faults } from './conditions/fault-list.ts'
import { type Proof, type ProofContext, type Row, row } from './proof.ts'

export const conditions: Proof = {
  name: 'conditions',
  title: 'No way to a shell without every condition',
  covers: ['D15', 'R065', 'R078'],
  method:
    'A model test (fast-check) on the real state machines, in memory: the main server’s access requests, polls and standing over a real database, the device’s handling of requests, its inbox and the second level of SSH, an access server’s admission and pairing. Workstation, person at the device and operator do right and wrong things; what the parts say to each other is lost, doubled, reordered and delivered two at once; each part dies, also in the middle of what it writes, and starts again from what is stored. Beside them stands a second telling of the conditions, and each shell on the operating system is held against it. Then one text of the sources is replaced by a fault, and the histories must find the shell that it opens.',
  limits: [
    'a device whose owner lets `os` in without asking (`allow`) opens without a person; that is in the model test of the device’s own handling (`agent/access/requests.model.test.ts`).',
    'faults behind a second guard (the unspent ticket beside the inbox, a level denied in the steps and in the rule, the profile’s levels beside its limits) open no shell, and so are not seen here; the unit tests beside the code see them.',
  ],
  async run({ quick, seed, say }) {
    const histories = quick ? 300 : 10_000
    const { breach, asked, pickedUp, sessions, shells, ...told } = await play(histories, seed)
    say(`${told.histories} histories, ${shells} shells`)
    const rows: Row[] = [
      row('histories of 30 to 60 steps with a shell that lacks a condition', `0 of ${histories}`, breach ?? `0 of ${told.histories}`, breach === null),
      row('shells that opened with every condition', `${histories / 10} at least`, String(shells), shells >= histories / 10),
      row('on the way there', '', `${asked} asked, ${pickedUp} picked up, ${sessions} sessions approved by a person`, null),
    ]
    return [...rows, ...(await findAll(quick ? faults.slice(0, 3) : faults, { seed, say }))]
  },
}

/** Among so many histories a fault has to show. */
const enough = 2_000

async function findAll(all: readonly Fault[], { seed, say }: Pick<ProofContext, 'seed' | 'say'>): Promise<Row[]> {
  const rows: Row[] = []
  for (const fault of all) {
    const { histories, breach } = await play(enough, seed, fault)
    const found = breach === null ? `nothing in ${histories} histories` : `history ${histories + 1}: ${breach.split(', by: ')[0]}`
    say(`${fault.what}: ${found}`)
    rows.push(row(`with a fault: ${fault.what}`, `found within ${enough}`, found, breach !== null))
  }
  return rows
}

async function play(histories: number, seed: number, fault?: Fault): Promise<Told> {
  const argv = [join(import.meta.dirname, 'conditions/play.ts'), String(histories), String(seed), ...(fault ? [JSON.stringify(fault)] : [])]
  const { stdout } = await promisify(execFile)(process.execPath, argv)
  return JSON.parse(stdout) as Told
}
