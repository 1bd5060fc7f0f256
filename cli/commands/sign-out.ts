import { connect } from 'node:net'
import { writeLine } from '@gantry/shared/node/lines.ts'
import type { ExitCode } from '../exit-code.ts'
import type { CommandContext } from '../program.ts'
import { filesOf, listConfigurations } from '../ssh-config/configuration.ts'
import { withServices } from '../with-services.ts'

/** Ending takes the services 5 s at most. */
const endMs = 8_000

/** Revokes and forgets the sign-in. Sessions of printed ssh configurations run in processes of their own, and end too. */
export function signOut({ place, console }: CommandContext): Promise<ExitCode> {
  return withServices({ place, console }, async ({ services, store, profile }) => {
    const wasIn = (await store.get('sign-in')) !== null
    const ended = await endSshSessions(profile)
    await services.signIn.out()
    console.answer({ wasSignedIn: wasIn, sshSessionsEnded: ended }, () => {
      const first = wasIn ? console.words.signIn.out : console.words.signIn.wasOut
      return `${[first, ...(ended > 0 ? [console.words.signIn.outEnded(ended)] : [])].join(' ')}\n`
    })
    return 0
  })
}

async function endSshSessions(profile: string): Promise<number> {
  const told = await Promise.all(listConfigurations(profile).map(({ folder, configuration }) => endOne(filesOf(folder, configuration).brokerSocket)))
  return told.filter(Boolean).length
}

async function endOne(socketPath: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(socketPath, () => void writeLine(socket, { kind: 'end' }).catch(() => resolve(false)))
  socket.on('error', () => resolve(false))
  // It closes the connection when its session is over: only then may the sign-in go, which it needs to withdraw what it asked.
  socket.on('end', () => resolve(true))
  socket.resume()
  const timer = setTimeout(() => resolve(true), endMs)
  return promise.finally(() => {
    clearTimeout(timer)
    socket.destroy()
  })
}
