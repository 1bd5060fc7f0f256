import { Check } from 'lucide-react'
import { useSpeech } from '../ui/language.tsx'

/** One step of a short list in a band: done, now, or still to come. */
export function StepItem({ text, isDone, isNow }: { text: string; isDone: boolean; isNow: boolean }) {
  const { words } = useSpeech()
  return (
    <li className={`step-item ${isNow ? 'strong' : 't3'}`} aria-current={isNow ? 'step' : undefined}>
      {isDone && <Check className="i s c-live" aria-label={words.firstSteps.done} />}
      {text}
    </li>
  )
}
