import { parseArgs } from 'node:util'
import { describeRun, type Finding, findingOf, holds, writeEvidence } from './evidence.ts'
import type { Proof } from './proof.ts'
import { subjects } from './proofs.ts'

/**
 * `npm run prove -- tunnel [--only NAME] [--quick] [--seed N] [--list]`: the long proofs of a subject. What fails does not stop the others. Each proof replaces its own
 * part of `docs/evidence/<subject>.md` and `.json`, unless its numbers were cut down; ends with 1 when a bound does not hold.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', multiple: true, default: [] },
    quick: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
  },
})
const [subject = ''] = positionals
const proofs = subjects[subject]
if (!proofs) {
  console.error(`npm run prove -- ${Object.keys(subjects).join('|')} [--only NAME] [--quick] [--seed N] [--list]`)
  process.exit(2)
}
if (values.list) {
  for (const { name, title, covers } of proofs) console.log(`${name.padEnd(14)}${title} (${covers.join(', ')})`)
  process.exit(0)
}
const chosen = values.only.length > 0 ? proofs.filter(({ name }) => values.only.includes(name)) : proofs
const seed = Number(values.seed)
const command = `npm run prove -- ${process.argv.slice(2).join(' ')}`
const findings: Finding[] = []
// With exit the namespaces go, too; a signal alone would leave them to the next run.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130))
for (const proof of chosen) {
  const finding = await runProof(proof)
  findings.push(finding)
  if (values.quick) console.log(JSON.stringify(finding, null, 2))
  else writeEvidence(subject, proofs, [finding])
}
process.exit(chosen.length > 0 && findings.every(holds) ? 0 : 1)

async function runProof(proof: Proof): Promise<Finding> {
  const run = describeRun(command, seed)
  const start = performance.now()
  const say = (line: string) => console.error(`${proof.name}: ${line}`)
  say(proof.title)
  const found = await proof.run({ quick: values.quick, seed, say }).then(
    (rows) => ({ rows, failure: null }),
    (error: unknown) => {
      console.error(error)
      return { rows: [], failure: error instanceof Error ? error.message : String(error) }
    },
  )
  const finding = findingOf(proof, run, { ...found, seconds: (performance.now() - start) / 1_000 })
  for (const { what, bound, found: value, holds: verdict } of finding.rows)
    say(`${verdict === false ? 'NO ' : verdict ? 'yes' : ' – '} ${what}: ${value} (${bound})`)
  say(`${holds(finding) ? 'holds' : 'FALLS SHORT'} after ${Math.round(finding.seconds)} s`)
  return finding
}
