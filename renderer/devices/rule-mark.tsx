import type { LevelRule } from '@gantry/shared/profile.ts'
import { Check, Hand, KeyRound, Lock } from 'lucide-react'
import { useSpeech } from '../ui/language.tsx'

const marks = {
  allow: { icon: Check, tone: 'c-live' },
  ask: { icon: Hand, tone: 't2' },
  'ask-typed': { icon: KeyRound, tone: 'c-wait' },
  deny: { icon: Lock, tone: 't3' },
}

/** A device's own rule for a level, in shape and words. */
export function RuleMark({ rule }: { rule: LevelRule }) {
  const { words } = useSpeech()
  const { icon: Icon, tone } = marks[rule]
  return (
    <span className={`rule small ${tone}`}>
      <Icon className="i s" aria-hidden />
      {words.rules[rule]}
    </span>
  )
}
