import type { Failure } from '../errors.ts'
import { errorsEn } from './errors.en.ts'
import { errorsFr } from './errors.fr.ts'

export type Language = 'en' | 'fr'
const words = { en: errorsEn, fr: errorsFr }

/** What happened and what to do, for a person. */
export function errorWords(failure: Failure, language: Language): { what: string; todo: string } {
  return words[language][failure.code](failure.details ?? {})
}
