import { resolve } from 'node:path'
import { writeFileWhole } from '@gantry/shared/node/json-file.ts'
import type { Services } from '../../main/services/services.ts'
import type { Console } from '../console.ts'
import type { ExitCode } from '../exit-code.ts'
import { askNewPin } from '../pin.ts'
import type { CommandContext } from '../program.ts'
import { withServices } from '../with-services.ts'

/** This workstation's keys: makes them, writes what is carried to the security office, and takes the certificate over where there is one by now. */
export function manageKeys({ place, console, options }: CommandContext): Promise<ExitCode> {
  return withServices({ place, console }, async ({ services: { keys } }) => {
    if (options.create === true) await keys.create(await askNewPin(console))
    const file = typeof options.request === 'string' ? resolve(options.request) : null
    // Not for others to read: it names a person.
    if (file !== null) writeFileWhole(file, await keys.request(), 0o600)
    const status = await keys.takeOver().catch(() => keys.status())
    console.answer({ ...status, ...(file === null ? {} : { request: file }) }, () => describe(status, file, console))
    return 0
  })
}

function describe({ state, current, waiting }: Awaited<ReturnType<Services['keys']['status']>>, file: string | null, { words }: Console): string {
  const lines = [
    words.keys.states[state],
    ...(current ? [words.keys.current(current.fingerprint, new Date(current.untilMs).toISOString().slice(0, 10))] : []),
    ...(waiting ? [words.keys.waiting(waiting.fingerprint)] : []),
    ...(file === null ? [] : [words.keys.written(file)]),
  ]
  return `${lines.join('\n')}\n`
}
