import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createDialler } from '@gantry/shared/node/dial.ts'
import { SandboxFile } from '@gantry/shared/sandbox-api.ts'
import { enrolAgent } from '../../support/test-agent.ts'
import { quantile } from '../proof.ts'
import type { SandboxTask } from './task.ts'

/** A device that enrols with a code of the sandbox's own and then polls, as fast as it is answered. `node poller.ts SANDBOX-FOLDER TIMES` */
const [folder = '', times = '0'] = process.argv.slice(2)
const { mainServer, ca } = SandboxFile.parse(JSON.parse(readFileSync(join(folder, 'sandbox.json'), 'utf8')))
const { enrolment } = JSON.parse(readFileSync(join(folder, 'sandbox/credentials.json'), 'utf8')) as { enrolment: Record<string, string> }
const agentOrigin = `https://${'agents.gantry.test' satisfies SandboxTask['ports']['hosts']['agents']}`
const withAgent = ['dev_ctsuitethree', 'dev_ctemergencyrm', 'dev_mrroomtwoeast', 'dev_doseviewserver']
const [id, secret] = Object.entries(enrolment).find(([device]) => !withAgent.includes(device)) ?? []
if (!id || !secret) throw new Error('no device without an agent')
const server = { origin: mainServer, agentOrigin, dial: createDialler({ ca: readFileSync(ca, 'utf8') }), now: Date.now }
const agent = await enrolAgent(server as never, { id, name: id, secret } as never)
const tookMs: number[] = []
for (let index = 0; index < Number(times); index += 1) {
  const start = performance.now()
  await agent.poll().then(
    () => tookMs.push(performance.now() - start),
    (error: unknown) => console.error(error),
  )
}
console.log(JSON.stringify({ answered: tookMs.length, p99Ms: quantile(tookMs, 0.99) }))
