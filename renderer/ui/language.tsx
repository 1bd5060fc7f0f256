import type { Failure } from '@gantry/shared/errors.ts'
import { errorWords, type Language } from '@gantry/shared/words/errors.ts'
import { type WindowWords, windowWords } from '@gantry/shared/words/window.ts'
import { createContext, type ReactNode, useContext, useMemo } from 'react'
import { createFormat, type Format } from './format.ts'

export type Speech = { language: Language; words: WindowWords; format: Format; explain(failure: Failure): { what: string; todo: string } }

export function createSpeech(language: Language): Speech {
  return { language, words: windowWords[language], format: createFormat(language), explain: (failure) => errorWords(failure, language) }
}

const Spoken = createContext<Speech>(createSpeech('en'))

export function SpeechProvider({ language, children }: { language: Language; children: ReactNode }) {
  const speech = useMemo(() => createSpeech(language), [language])
  return <Spoken.Provider value={speech}>{children}</Spoken.Provider>
}

/** The words and formats of the language that was chosen. No text stands in a component. */
export function useSpeech(): Speech {
  return useContext(Spoken)
}
