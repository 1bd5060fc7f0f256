import { spawn } from 'node:child_process'
import { AppError } from '@gantry/shared/errors.ts'
import type { ExitCode } from '../exit-code.ts'
import { readCa, readSandbox, remember } from '../place.ts'
import { plain } from '../plain.ts'
import type { CommandContext } from '../program.ts'
import { readCredentials } from '../sandbox-control.ts'
import { walkSignIn } from '../sign-in-walk/walk.ts'
import { filesOf, listConfigurations } from '../ssh-config/configuration.ts'
import { repairSessionKeys } from '../ssh-config/session-keys.ts'
import { withServices } from '../with-services.ts'

/** Opens the system's browser; in the sandbox it goes through the same pages by itself. */
export function signIn({ place, console }: CommandContext): Promise<ExitCode> {
  const stopped = new AbortController()
  let failure: unknown
  const openBrowser = async (link: string) => {
    if (place.kind === 'profile') return showPage(link, () => console.say(console.words.signIn.open(link)))
    try {
      const credentials = await readCredentials(place.folder)
      const ca = readCa(readSandbox(place.folder).ca, console.words.usage)
      await walkSignIn(link, { credentials, ca, onWait: (seconds) => console.say(console.words.signIn.nextCode(seconds)) })
    } catch (error) {
      // The listener would wait on for a browser that does not come.
      failure = error
      stopped.abort()
    }
  }
  return withServices({ place, console, openBrowser }, async ({ services, store, profile, interrupt }) => {
    // Asked before any page opens: without a place for secrets there is no sign-in.
    await store.get('sign-in')
    const { specialist } = await services.signIn.start({ signal: AbortSignal.any([interrupt.signal, stopped.signal]) }).catch((error: unknown) => {
      throw failure ?? error
    })
    if (!specialist) throw new AppError('auth.not-signed-in')
    remember(place)
    // A sandbox that was restarted has forgotten the keys of configurations that were printed before.
    for (const { folder, configuration } of listConfigurations(profile))
      await repairSessionKeys({ id: configuration.id, files: filesOf(folder, configuration), store })
    console.answer({ specialist, secretStore: store.kind }, () => `${console.words.signIn.done(plain(specialist.name), plain(specialist.employer))}\n`)
    return 0
  })
}

/** The link is told in any case: the browser may be on another screen, or there may be none. */
async function showPage(link: string, tell: () => void): Promise<void> {
  tell()
  const [command, ...args] = { darwin: ['open'], win32: ['rundll32', 'url.dll,FileProtocolHandler'] }[process.platform as string] ?? ['xdg-open']
  const { promise, resolve } = Promise.withResolvers<void>()
  spawn(command ?? 'xdg-open', [...args, link], { detached: true, stdio: 'ignore' })
    .once('spawn', resolve)
    .once('error', () => resolve())
    .unref()
  await promise
}
