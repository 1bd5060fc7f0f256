import { useEffect } from 'react'
import { StepItem } from '../first-steps/step-item.tsx'
import { useWindowState } from '../state.ts'
import { Button } from '../ui/button.tsx'
import { useKeyLabel } from '../ui/key-label.ts'
import { useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'
import { type RehearsalView, rehearsalSteps } from './rehearsal-step.ts'
import { putAwayKey } from './rehearsal-store.ts'
import { type UsedRehearsal, useRehearsal } from './use-rehearsal.ts'
import './rehearsal.css'

/** Offers a rehearsal once the first steps are done, and leads through it: what is done is ticked when it has really happened. */
export function RehearsalBand() {
  const { keys, settings } = useWindowState()
  const { status } = useStore(keys.store)
  const { layout } = useStore(settings.store)
  const rehearsal = useRehearsal()
  if (rehearsal.view) return <Running rehearsal={rehearsal} view={rehearsal.view} />
  const isDue = status?.state === 'ready' && layout[putAwayKey] !== 1
  return isDue && rehearsal.device ? <Offer name={rehearsal.device.name} begin={rehearsal.begin} /> : null
}

function Offer({ name, begin }: { name: string; begin: () => void }) {
  const { words } = useSpeech()
  const { rehearsal } = useWindowState()
  const text = words.rehearsal
  return (
    <section className="band rehearsal" aria-labelledby="rehearsal-title">
      <span className="grow">
        <b id="rehearsal-title">{text.offer}</b> <span className="t2">{text.offerText(name)}</span>
      </span>
      <Button onClick={begin}>{text.begin}</Button>
      <Button look="quiet" onClick={rehearsal.putAway}>
        {text.later}
      </Button>
    </section>
  )
}

function Running({ rehearsal, view }: { rehearsal: UsedRehearsal; view: RehearsalView }) {
  const { words } = useSpeech()
  const { rehearsal: state } = useWindowState()
  const text = words.rehearsal
  const line = useLine(view)
  const isOver = view.step === null
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it is over
  useEffect(() => {
    if (isOver) state.putAway()
  }, [isOver])
  return (
    <section
      className="band rehearsal running"
      aria-labelledby="rehearsal-title"
      data-region
      tabIndex={-1}
      onKeyDown={(event) => event.key === 'Escape' && state.leave()}
    >
      <b id="rehearsal-title">{text.title}</b>
      <ol>
        {rehearsalSteps.map((step) => (
          <StepItem key={step} text={text.steps[step]} isDone={view.done.has(step)} isNow={view.step === step} />
        ))}
      </ol>
      <p className="grow" role="status">
        {line}
      </p>
      <span className="row-x">
        <WayBack rehearsal={rehearsal} view={view} />
        <Button look={isOver ? 'default' : 'quiet'} onClick={state.leave}>
          {isOver ? words.ui.close : text.leave}
        </Button>
      </span>
    </section>
  )
}

export function useLine({ step, stopped }: RehearsalView): string {
  const { words } = useSpeech()
  const keyLabel = useKeyLabel()
  const text = words.rehearsal
  if (step === null) return text.over
  if (stopped) return text.stopped[stopped]
  return step === 'end' ? text.now.end(keyLabel('Ctrl Shift E')) : text.now[step]
}

/** To where the step is done, for whoever is elsewhere in the window. */
function WayBack({ rehearsal, view: { step, requestId } }: { rehearsal: UsedRehearsal; view: RehearsalView }) {
  const { words } = useSpeech()
  const { place } = useWindowState()
  const { screen, tab } = useStore(place.store)
  const text = words.rehearsal
  if (step === null) return null
  if (step === 'ask' || !requestId) return <Button onClick={rehearsal.ask}>{text.openForm}</Button>
  if (step === 'answer') return <Button onClick={() => place.openDialog({ kind: 'follow', requestId })}>{text.showRequest}</Button>
  return screen === 'sessions' && tab === requestId ? null : <Button onClick={() => place.openTab(requestId)}>{text.showSession}</Button>
}
