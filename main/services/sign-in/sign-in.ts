import type { AuditEvent, NewAuditEvent } from '@gantry/shared/audit.ts'
import type { ClientApi, Specialist, updates } from '@gantry/shared/client-api.ts'
import type { Output } from '@gantry/shared/contract.ts'
import { AppError, type ErrorCode, toFailure } from '@gantry/shared/errors.ts'
import type { SignInState } from '@gantry/shared/ipc.ts'
import type { Access } from '@gantry/shared/node/dpop.ts'
import type { Hash } from '@gantry/shared/ticket.ts'
import type { Language } from '@gantry/shared/words/errors.ts'
import type { z } from 'zod'
import type { Confirming, ServiceLog, SignIn } from '../services.ts'
import { type LoopbackListener, openLoopbackListener } from './loopback-listener.ts'
import type { Provider } from './provider.ts'
import type { TokenKeeper } from './tokens.ts'

type Me = Output<ClientApi, 'specialist.me'>
export type KnownPerson = Pick<Me, 'specialist' | 'supportContacts'>
export type SignInTools = {
  secretStore: SignInState['secretStore']
  tokens: TokenKeeper
  provider: () => Promise<Provider>
  me: () => Promise<Me>
  endElsewhere: (place: Hash) => Promise<unknown>
  openBrowser: (url: string) => void | Promise<void>
  /** Writes first: a sign-in that cannot be audited does not happen. */
  audit: (event: NewAuditEvent) => Promise<AuditEvent>
  /** The person of the last good sign-in on this computer, for a start without a network. */
  remembered: { read(): KnownPerson | null; write(person: KnownPerson | null): void }
  onChange: (state: SignInState) => void
  /** Other tokens are good from now on, and those before are about to be revoked: what stands on them is opened again. */
  onRenewed: () => void
  log: ServiceLog
  /** Of the pages in the browser. */
  language: () => Language
  /** Where the browser is sent when all is done. */
  donePage: () => string
  timeoutMs?: number
}
export type SignInService = SignIn & {
  /** The token for a call; a sign-in that has ended shows in the state. Open sessions live on. */
  access(rejected?: string): Promise<Access>
  /** Asks the main server who is signed in; what is wrong is in the state. */
  check(): Promise<void>
  /** The main server said that the sign-in is over. */
  ended(why: z.output<(typeof updates)['sign-in.ended']>['why']): void
  close(): void
}

/** Said also to who has found out by now that the tokens are good no more. */
const said: Partial<Record<string, ErrorCode>> = { 'token-reused': 'auth.sign-in-copied', elsewhere: 'auth.signed-in-elsewhere' }

export function createSignIn(tools: SignInTools): SignInService {
  const { tokens, provider, log } = tools
  const person = tools.remembered.read()
  let state: SignInState = {
    phase: 'signed-out',
    link: null,
    confirming: null,
    specialist: null,
    failure: null,
    secretStore: tools.secretStore,
    supportContacts: person?.supportContacts ?? [],
    elsewhere: [],
  }
  let running: { controller: AbortController; result: Promise<SignInState> } | null = null

  const change = (part: Partial<SignInState>): SignInState => {
    state = { ...state, link: null, confirming: null, failure: null, ...part }
    tools.onChange(state)
    return state
  }
  const learn = async (): Promise<SignInState> => {
    const { specialist, supportContacts, signIns } = await tools.me()
    tools.remembered.write({ specialist, supportContacts })
    return change({ phase: 'signed-in', specialist, supportContacts, elsewhere: signIns.filter(({ mine }) => !mine) })
  }
  const noteEnd = (error: unknown): void => {
    if (!(error instanceof AppError) || running) return
    if (error.code === 'auth.session-expired') change({ phase: 'expired', failure: toFailure(error) })
    else if (error.code === 'auth.not-signed-in' && state.phase === 'signed-in') change({ phase: 'expired', failure: { code: 'auth.session-expired' } })
  }
  const access = async (rejected?: string): Promise<Access> => {
    try {
      const found = await tokens.access(rejected)
      // Somebody signed in again in another process of this profile.
      if (state.phase === 'expired' && !running) change({ phase: 'signed-in' })
      return found
    } catch (error) {
      noteEnd(error)
      throw error
    }
  }

  const waiting = (why: Confirming | null, link: string | null) => change(why ? { confirming: why, link } : { phase: 'waiting-for-browser', link })
  /** Once another sign-in has taken its place, nothing shall be left that its tokens open. */
  const revoke = async (refreshToken: string) => {
    try {
      await (await provider()).revoke(refreshToken)
    } catch (error) {
      log.warn('the sign-in could not be revoked', { code: toFailure(error).code })
    }
  }

  const walk = async (signal: AbortSignal, why: Confirming | null): Promise<SignInState> => {
    let listener: LoopbackListener | null = null
    try {
      // Asked first, since without a place for secrets there is no sign-in (and nothing is ever written elsewhere).
      await tokens.isKept()
      const open = await openLoopback(await provider(), tools, signal)
      listener = open.listener
      waiting(why, open.link)
      await Promise.resolve(tools.openBrowser(open.link)).catch(() => log.warn('no browser could be opened; the link is shown instead'))
      const fresh = await open.finish(await open.listener.answer)
      signal.throwIfAborted()
      if (why && fresh.subject !== state.specialist?.id) {
        await revoke(fresh.refreshToken)
        throw new AppError('auth.other-person')
      }
      const before = await tokens.keep(fresh)
      const done = await learn()
      await tools.audit({ kind: 'specialist.signed-in', actor: actorOf(done.specialist), ...(why ? { data: { why } } : {}) })
      tools.onRenewed()
      if (before !== null) await revoke(before)
      log.info('signed in')
      return done
    } catch (error) {
      await listener?.close()
      const failure = toFailure(error)
      log.warn('the sign-in failed', { code: failure.code })
      change({ ...(why ? {} : { phase: 'signed-out' }), failure: failure.code === 'auth.cancelled' ? null : failure })
      throw error
    }
  }

  const begin = (why: Confirming | null, signal: AbortSignal | undefined): Promise<SignInState> => {
    if (running) return running.result
    const controller = new AbortController()
    const abort = () => controller.abort(new AppError('auth.cancelled'))
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort, { once: true })
    waiting(why, null)
    const result = walk(controller.signal, why).finally(() => {
      running = null
      signal?.removeEventListener('abort', abort)
    })
    running = { controller, result }
    return result
  }
  /** The main server said that it is over. Perhaps what ended is the sign-in before, and another process of this profile has made a new one: that has to show. */
  const requireLearned = async (): Promise<void> => {
    if (state.phase !== 'signed-in' || running) return
    await learn().catch(() => {
      if (state.phase === 'signed-in' && !running) change({ phase: 'expired', failure: { code: 'auth.session-expired' } })
    })
  }
  const check = async (): Promise<void> => {
    try {
      if (state.phase === 'signed-in' && !running) await learn()
    } catch (error) {
      const failure = toFailure(error)
      if (state.phase === 'signed-in' && !failure.code.startsWith('auth.')) change({ failure })
    }
  }

  return {
    state: () => state,
    access,
    ended(why) {
      const code = said[why]
      if (code && !running && state.phase !== 'signed-out') change({ phase: 'expired', failure: { code }, elsewhere: [] })
      else void requireLearned()
    },
    async restore() {
      try {
        if (!(await tokens.isKept())) return state
        return change({ phase: 'signed-in', specialist: tools.remembered.read()?.specialist ?? null })
      } catch (error) {
        return change({ failure: toFailure(error) })
      }
    },
    check,
    start: ({ signal } = {}) => begin(null, signal),
    async confirm(why, { signal } = {}) {
      if (!state.specialist) await learn()
      return begin(why, signal)
    },
    async endElsewhere(place) {
      await tools.endElsewhere(place)
      await check()
    },
    cancel: () => running?.controller.abort(new AppError('auth.cancelled')),
    async out() {
      running?.controller.abort(new AppError('auth.cancelled'))
      const who = state.specialist
      const refreshToken = await tokens.forget()
      tools.remembered.write(null)
      change({ phase: 'signed-out', specialist: null, elsewhere: [] })
      if (refreshToken === null) return
      await tools.audit({ kind: 'specialist.signed-out', actor: actorOf(who) })
      // Forgotten here in any case; where the server cannot be told now, the token runs out by itself.
      await revoke(refreshToken)
    },
    close: () => running?.controller.abort(new AppError('auth.cancelled')),
  }
}

async function openLoopback(provider: Provider, { tokens, language, donePage, timeoutMs = 120_000 }: SignInTools, signal: AbortSignal) {
  let listener: LoopbackListener | null = null
  const attempt = await provider.begin({ language: language(), replaces: await tokens.refreshToken() }, async (state) => {
    listener = await openLoopbackListener({ state, donePage: donePage(), signal, timeoutMs })
    return listener.redirectUri
  })
  if (listener === null) throw new AppError('internal')
  return { listener: listener as LoopbackListener, ...attempt }
}

function actorOf(specialist: Specialist | null): NewAuditEvent['actor'] {
  return specialist ? { kind: 'specialist', id: specialist.id, name: specialist.name } : { kind: 'client' }
}
