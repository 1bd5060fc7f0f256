import type { ErrorCode } from '@gantry/shared/errors.ts'
import type { Language } from '@gantry/shared/words/errors.ts'
import { signInEn } from '@gantry/shared/words/sign-in.en.ts'
import { signInFr } from '@gantry/shared/words/sign-in.fr.ts'
import { type Page, renderPage } from '../../cloud/main-server/sign-in/page.ts'
import { problemOf } from '../../cloud/main-server/sign-in/visit.ts'

/** The main server's own pages, on which a specialist signs in. */
export type PageScene = { page: (problem: (code: ErrorCode) => ReturnType<typeof problemOf>) => Page; isState?: boolean }

const code = { step: 'code', username: 'emarchetti', problem: null, takesCode: true, passkey: null, after: null, sandbox: null, first: 'password' } as const
const passkey = (end: string, usedMs: number | null) => ({
  ...{ id: `AAAAAAAAAAAAAAAA${end}`, addedMs: Date.parse('2026-09-02T10:00:00Z'), usedMs, isSynced: usedMs === null },
  ...{ publicKey: '', counter: 0, transports: [] },
})

export const pageScenes: Record<string, PageScene> = {
  'page-password': { page: () => ({ step: 'password', username: '', problem: null }) },
  'page-password-wrong': { page: (problem) => ({ step: 'password', username: 'emarchetti', problem: problem('auth.wrong-credentials') }), isState: true },
  'page-code': { page: () => ({ ...code, after: 'offered', sandbox: { code: '204713' } }) },
  'page-code-used': { page: (problem) => ({ ...code, problem: problem('auth.code-used'), sandbox: { nextInSeconds: 17 } }), isState: true },
  'page-code-or-passkey': { page: () => ({ ...code, passkey: {}, after: 'offered' }), isState: true },
  'page-passkeys': {
    page: () => ({
      ...{ step: 'passkeys', mayRemove: true, most: 5, offer: {}, problem: null, first: 'password' },
      passkeys: [passkey('k3Qf7M', Date.parse('2026-11-19T15:00:00Z')), passkey('WJ5nPx', null)],
    }),
  },
  'page-organisation': {
    page: (problem) => ({ step: 'upstream', name: 'Norvane', problem: problem('auth.provider-refused'), again: '#' }),
    isState: true,
  },
  'page-done': { page: () => ({ step: 'done', first: 'password' }), isState: true },
  'page-over': { page: () => ({ step: 'over' }), isState: true },
  'page-refused': { page: () => ({ step: 'refused', code: 'auth.callback-refused' }), isState: true },
}

export function drawn({ page }: PageScene, language: Language): string {
  const words = language === 'fr' ? signInFr : signInEn
  return renderPage(
    page((failed) => problemOf({ code: failed }, language)),
    { words, organisation: 'Norvane support', languageLink: '?lang' },
  )
}
