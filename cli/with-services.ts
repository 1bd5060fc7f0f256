import type { DeviceRow } from '@gantry/shared/client-api.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { includesLevel } from '@gantry/shared/profile.ts'
import type { AskOptions, Session } from '../main/services/services.ts'
import type { Console } from './console.ts'
import type { ExitCode } from './exit-code.ts'
import { type Interrupt, listenForInterrupt } from './interrupt.ts'
import { createNetworkLines } from './network.ts'
import type { Ask, AskSession } from './options.ts'
import { askPin } from './pin.ts'
import type { Place } from './place.ts'
import { plain } from './plain.ts'
import { createProgress } from './progress.ts'
import { type OpenPlace, openServices } from './services.ts'

export type Working = OpenPlace & { console: Console; interrupt: Interrupt }
export type WithServices = { place: Place; console: Console; openBrowser?: (url: string) => Promise<void> }

/** Opens the client's services, does the work, closes them; a failure is told here, since only here the log's place is known. */
export async function withServices({ place, console, openBrowser }: WithServices, work: (working: Working) => Promise<ExitCode>): Promise<ExitCode> {
  if (place.kind === 'sandbox') console.say(console.words.signIn.sandboxStore)
  const interrupt = listenForInterrupt(console)
  let open: OpenPlace | undefined
  try {
    open = await openServices(place, { words: console.words.usage, ...(openBrowser && { openBrowser }) })
    return await work({ ...open, console, interrupt })
  } catch (error) {
    return console.fail(error, open?.services.logPath ?? undefined)
  } finally {
    await open?.services.close()
    interrupt.close()
  }
}

/** Asks the device, waits, works, ends the session. Errors: the refusals of every side, and `session.ended` where somebody else ended it while there was work. */
export async function withSession<T>(
  { services, console, interrupt }: Working,
  device: DeviceRow,
  { patientData, terminal, ...ask }: AskSession & Pick<AskOptions, 'terminal'>,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  requireLevel(device, ask)
  const pin = await askPin(services.keys, console)
  const progress = createProgress(console)
  interrupt.onFirst(console.words.progress.cancelling)
  let session: Session
  try {
    const asked = await services.requests.ask({ deviceId: device.id, ...ask }, { pin, terminal, signal: interrupt.signal, onProgress: progress.show })
    session = await asked.session
  } finally {
    progress.close()
  }
  interrupt.onFirst(console.words.progress.ending)
  const network = createNetworkLines(console)
  const watching = services.on('session.changed', (view) => view.requestId === session.requestId && network.show(view))
  network.show(session.view())
  let done = false
  const ended = session.ended.then(({ cause }) => {
    if (done) return new Promise<never>(() => undefined)
    console.say(console.words.progress.ended(cause))
    throw new AppError('session.ended', { details: { cause } })
  })
  ended.catch(() => undefined)
  try {
    await Promise.race([openPatientData(session, patientData, console), ended])
    return await Promise.race([work(session), ended])
  } finally {
    done = true
    watching()
    network.close()
    await session.end().catch(() => undefined)
  }
}

/** What is kept shut is said; with `--patient-data` the person at the device is asked, and a no ends the command: the work would meet it half way. */
async function openPatientData(session: Session, asks: boolean, { say, words: { progress } }: Console): Promise<void> {
  const { paths, state } = session.view().restricted
  if (paths.length === 0 || state === 'open') return
  const shown = paths.map(plain).join(', ')
  if (!asks) return say(progress.patientDataShut(shown))
  say(progress.patientDataAsked(shown))
  await session.askRestricted()
  say(progress.patientDataOpen)
}

/** The main server refuses this too; asking it is no use, and the device should not ring. */
function requireLevel(device: DeviceRow, { access }: Ask): void {
  if (!device.levels.some((level) => includesLevel(level, access))) throw new AppError('access.level-not-allowed', { details: { level: access } })
}
