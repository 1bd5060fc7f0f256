import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CommandLineWords, commandLineEn } from '@gantry/shared/words/command-line.en.ts'
import { commandLineFr } from '@gantry/shared/words/command-line.fr.ts'
import type { Language } from '@gantry/shared/words/errors.ts'

export const commandLineWords: Record<Language, CommandLineWords> = { en: commandLineEn, fr: commandLineFr }

/**
 * The environment decides where it names a language of ours (POSIX: LC_ALL before LC_MESSAGES before LANG); else what the desktop client's settings say.
 * `settingsFolder` is the profile, where it is known.
 */
export function chooseLanguage(env: NodeJS.ProcessEnv, settingsFolder?: string): Language {
  const named = (env.LC_ALL || env.LC_MESSAGES || env.LANG || '').toLowerCase()
  if (/^fr\b|^fr_/.test(named)) return 'fr'
  if (/^en\b|^en_/.test(named)) return 'en'
  return settingsFolder === undefined ? 'en' : languageOfSettings(join(settingsFolder, 'settings.json'))
}

/** Settings that are missing or unreadable are another command's concern: a language is never worth a failure. */
function languageOfSettings(path: string): Language {
  try {
    const settings: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return typeof settings === 'object' && settings !== null && 'language' in settings && settings.language === 'fr' ? 'fr' : 'en'
  } catch {
    return 'en'
  }
}
