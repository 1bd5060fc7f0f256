import type { Failure } from '@gantry/shared/errors.ts'
import { BadgeCheck } from 'lucide-react'
import { type FormEvent, useEffect, useId, useState } from 'react'
import { call, failureOf } from '../api.ts'
import { useWindowState } from '../state.ts'
import { Button } from '../ui/button.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import { FailureNote } from '../ui/failure-note.tsx'
import { useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'

/** This computer's keys: in use, waiting to be certified under a short fingerprint, or to be made behind a PIN. */
export function KeysSection() {
  const { words, format } = useSpeech()
  const { keys } = useWindowState()
  const { status, failure } = useStore(keys.store)
  const text = words.settings.keys
  useEffect(() => keys.read(), [keys])
  return (
    <section aria-labelledby="keys-title">
      <h2 className="head about" id="keys-title">
        {text.title}
      </h2>
      {failure && <FailureNote failure={failure} />}
      {status && (
        <>
          <p className={`row-x keys-state ${status.state === 'ready' ? 'c-live' : status.state === 'waiting' ? 'c-wait' : ''}`} role="status">
            {status.state === 'ready' && <BadgeCheck className="i s" aria-hidden />}
            {text.states[status.state]}
          </p>
          <dl className="about-list">
            {status.current && (
              <>
                <dt>{text.current}</dt>
                <dd className="mono selectable">{status.current.fingerprint}</dd>
                <dt>{text.until}</dt>
                <dd>{format.date(new Date(status.current.untilMs).toISOString().slice(0, 10))}</dd>
              </>
            )}
            {status.waiting && (
              <>
                <dt>{text.waiting}</dt>
                <dd className="mono selectable">{status.waiting.fingerprint}</dd>
              </>
            )}
          </dl>
          {status.waiting && <Waiting fingerprint={status.waiting.fingerprint} />}
          <MakeKeys isFirst={status.state === 'missing'} />
        </>
      )}
    </section>
  )
}

/** What is carried to the security office, and what is read to it. */
function Waiting({ fingerprint }: { fingerprint: string }) {
  const { words } = useSpeech()
  const [request, setRequest] = useState<string | null>(null)
  const text = words.settings.keys
  // Asked for anew when other keys wait.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the fingerprint names the keys
  useEffect(
    () =>
      void call('keys.request', {}).then(
        (answer) => setRequest(answer.request),
        () => setRequest(null),
      ),
    [fingerprint],
  )
  return (
    <div className="set">
      <span className="t2">{text.carry}</span>
      {request !== null && (
        <span className="row-x">
          <CopyButton text={request} label={text.copyRequest} />
        </span>
      )}
    </div>
  )
}

function MakeKeys({ isFirst }: { isFirst: boolean }) {
  const { words } = useSpeech()
  const [pins, setPins] = useState({ first: '', again: '' })
  const [isMaking, setMaking] = useState(false)
  const [failure, setFailure] = useState<Failure | null>(null)
  const text = words.settings.keys
  const differ = pins.again !== '' && pins.first !== pins.again
  const isReady = pins.first !== '' && pins.first === pins.again && !isMaking
  const make = (event: FormEvent) => {
    event.preventDefault()
    if (!isReady) return
    setMaking(true)
    setFailure(null)
    call('keys.create', { pin: pins.first })
      .then(
        () => setPins({ first: '', again: '' }),
        (error: unknown) => setFailure(failureOf(error)),
      )
      .finally(() => setMaking(false))
  }
  return (
    <form className="set keys-form" onSubmit={make}>
      <Pin label={text.newPin} value={pins.first} onChange={(first) => setPins({ ...pins, first })} />
      <Pin label={text.again} value={pins.again} isWrong={differ} onChange={(again) => setPins({ ...pins, again })} />
      {differ && (
        <span className="small c-danger" role="alert">
          {text.differ}
        </span>
      )}
      {failure && <FailureNote failure={failure} />}
      <Button type="submit" closedBecause={isReady ? undefined : text.needsPin}>
        {isFirst ? text.make : text.makeNew}
      </Button>
    </form>
  )
}

function Pin({ label, value, isWrong, onChange }: { label: string; value: string; isWrong?: boolean; onChange: (value: string) => void }) {
  const id = useId()
  return (
    <span>
      <label className="lb" htmlFor={id}>
        {label}
      </label>
      <span className="field" data-invalid={isWrong || undefined}>
        <input
          id={id}
          type="password"
          autoComplete="off"
          maxLength={200}
          value={value}
          aria-invalid={isWrong || undefined}
          onChange={(event) => onChange(event.target.value)}
        />
      </span>
    </span>
  )
}
