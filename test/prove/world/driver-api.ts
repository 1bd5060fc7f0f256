import { Reach } from '@gantry/shared/client-api.ts'
import type { Contract } from '@gantry/shared/contract.ts'
import { RequestId } from '@gantry/shared/ids.ts'
import { SessionView, Transfer } from '@gantry/shared/ipc.ts'
import { z } from 'zod'

/** What a proof asks of the client that sits at the desk. Times are Unix milliseconds with fractions, comparable between processes of one machine. */
const none = z.strictObject({})
const ofSession = z.strictObject({ requestId: RequestId })
const ofShell = z.strictObject({ shell: z.string() })
export const driverApi = {
  /** Asks, has the device's policy allow it, and waits until it is open. */
  'session.open': {
    input: z.strictObject({
      device: z.string(),
      access: z.enum(['diagnostics', 'files', 'os']),
      minutes: z.number().int().default(60),
      caseId: z.string().default('proof'),
    }),
    output: z.object({ requestId: RequestId, ms: z.number() }),
  },
  'device.reach': { input: z.strictObject({ device: z.string() }), output: Reach },
  'session.view': { input: ofSession, output: SessionView },
  /** Returns when the main server has closed it. `device` says at which customer. */
  'case.close': { input: z.strictObject({ device: z.string(), number: z.string() }), output: none },
  'session.end': { input: ofSession, output: none },
  /** A shell whose only program gives back what it is sent. `pid` is the shell's own, on the device. */
  'shell.open': { input: ofSession, output: z.object({ shell: z.string(), pid: z.number() }) },
  /** Some text of the proof's own, whose echo is not counted on. */
  'shell.say': { input: ofShell.extend({ text: z.string() }), output: none },
  /** From now on one numbered line each `everyMs`. */
  'shell.type': { input: ofShell.extend({ everyMs: z.number() }), output: none },
  'shell.rest': { input: ofShell, output: none },
  /** What came back since the last report: when each line was sent and how long its echo took. `wrong`: bytes that were not the next expected ones, ever. */
  'shell.report': {
    input: ofShell,
    output: z.object({ sent: z.number(), echoed: z.number(), wrong: z.number(), closed: z.boolean(), echoes: z.array(z.tuple([z.number(), z.number()])) }),
  },
  /** Resolves when it is over, well or badly. */
  'transfer.run': { input: ofSession.extend({ direction: z.enum(['put', 'get']), from: z.string(), to: z.string() }), output: Transfer },
  'transfer.bytes': { input: none, output: z.object({ bytes: z.number() }) },
  'action.run': { input: ofSession.extend({ action: z.string() }), output: none },
  /** How long the main server needs for one answer out of its database. */
  'main-server.ask': { input: none, output: z.object({ ms: z.number() }) },
  /** Open timers, sockets and the like of the client's process, by kind. */
  'process.resources': { input: none, output: z.object({ resources: z.record(z.string(), z.number()) }) },
} satisfies Contract
export type DriverApi = typeof driverApi
