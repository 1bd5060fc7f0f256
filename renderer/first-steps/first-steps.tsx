import { useEffect } from 'react'
import { useWindowState } from '../state.ts'
import { Button } from '../ui/button.tsx'
import { useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'
import { StepItem } from './step-item.tsx'
import './first-steps.css'

/** Server, sign-in, keys: shown to a person who is signed in until the security office has certified this computer's first keys. */
export function FirstSteps() {
  const { words } = useSpeech()
  const { about, keys, place, signIn } = useWindowState()
  const { status } = useStore(keys.store)
  const { specialist } = useStore(signIn)
  const { screen } = useStore(place.store)
  const text = words.firstSteps
  useEffect(() => keys.read(), [keys])
  if (!status || status.current !== null || (status.state !== 'missing' && status.state !== 'waiting')) return null
  const isWaiting = status.state === 'waiting'
  return (
    <section className="band first-steps" aria-labelledby="first-steps-title">
      <b id="first-steps-title">{text.title}</b>
      <ol>
        <StepItem isDone isNow={false} text={text.server(new URL(about.mainServer).host)} />
        <StepItem isDone isNow={false} text={text.signIn(specialist?.name ?? '')} />
        <StepItem isDone={false} isNow text={isWaiting ? text.certified : text.keys} />
      </ol>
      {screen !== 'settings' && <Button onClick={() => place.go('settings')}>{isWaiting ? text.how : text.make}</Button>}
    </section>
  )
}
