import type { Language } from './errors.ts'
import { type WindowWords, windowEn } from './window.en.ts'
import { windowFr } from './window.fr.ts'

export type { WindowWords }
export const windowWords: Record<Language, WindowWords> = { en: windowEn, fr: windowFr }
