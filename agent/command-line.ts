import { AppError, errorCodes, toFailure } from '@gantry/shared/errors.ts'
import { errorWords, type Language } from '@gantry/shared/words/errors.ts'

/** What the agent's commands share: whoever types them reads the reason in their language, and a script its exit code. */
export type Speaker = { language: Language }

export async function answering(act: (speaker: Speaker) => Promise<number>, usage: Record<Language, { usage: string[] }>): Promise<number> {
  const speaker: Speaker = { language: /^fr/i.test(process.env.LC_ALL || process.env.LC_MESSAGES || process.env.LANG || '') ? 'fr' : 'en' }
  try {
    return await act(speaker)
  } catch (error) {
    const failure = toFailure(error)
    const { what, todo } = errorWords(failure, speaker.language)
    console.error(`${what} ${todo} (${failure.code})`)
    if (failure.code === 'usage.bad') console.error(usage[speaker.language].usage.join('\n'))
    if (failure.code === 'internal') console.error(error)
    return errorCodes[failure.code].exit
  }
}

/** Runs `parse`, whose errors are those of whoever typed. */
export function readArguments<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new AppError('usage.bad', { cause: error, details: { problem: error instanceof Error ? error.message.slice(0, 200) : '' } })
  }
}

export function requireLanguage(language: string | undefined): Language | undefined {
  if (language === undefined || language === 'en' || language === 'fr') return language
  throw new Error('--language en|fr')
}
