import type { Failure } from '@gantry/shared/errors.ts'
import type { CallOutput } from '@gantry/shared/ipc.ts'
import { ShieldAlert, ShieldCheck } from 'lucide-react'
import { useEffect, useState } from 'react'
import { call, failureOf } from '../api.ts'
import { Button } from '../ui/button.tsx'
import { FailureNote } from '../ui/failure-note.tsx'
import { useSpeech } from '../ui/language.tsx'

type Stores = CallOutput<'audit.verify'>['stores']

/** The records on this computer, read line by line. */
export function AuditScreen() {
  const { words } = useSpeech()
  const text = words.audit
  const [stores, setStores] = useState<Stores | null>(null)
  const [failure, setFailure] = useState<Failure | null>(null)
  const [isChecking, setChecking] = useState(false)
  const verify = () => {
    setChecking(true)
    call('audit.verify', {})
      .then(
        (answer) => {
          setStores(answer.stores)
          setFailure(null)
        },
        (error) => setFailure(failureOf(error)),
      )
      .finally(() => setChecking(false))
  }
  useEffect(verify, [])
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is in reach of the keyboard (WCAG 2.1.1)
    <main className="screen" aria-labelledby="audit-title" data-region tabIndex={0}>
      <header className="row-x">
        <div className="grow">
          <h1 id="audit-title">{text.title}</h1>
          <p className="t2">{text.text}</p>
        </div>
        <Button icon={ShieldCheck} onClick={verify} closedBecause={isChecking ? text.checking : undefined}>
          {isChecking ? text.checking : text.verify}
        </Button>
      </header>
      {failure && <FailureNote failure={failure} />}
      {stores?.length === 0 && <p className="t3">{text.none}</p>}
      <ul className="stores" aria-live="polite">
        {stores?.map((store) => (
          <StoreLine key={store.path} store={store} />
        ))}
      </ul>
    </main>
  )
}

function StoreLine({ store }: { store: Stores[number] }) {
  const { words, format } = useSpeech()
  const text = words.audit
  const { fault } = store
  const Icon = store.ok ? ShieldCheck : ShieldAlert
  return (
    <li>
      <Icon className={`i ${store.ok ? 'c-live' : 'c-danger'}`} aria-hidden />
      <div className="grow">
        <p className={store.ok ? 'strong' : 'strong c-danger'}>
          {store.ok
            ? text.whole(format.number(store.events))
            : text.broken(text.faults[fault?.what ?? ''] ?? fault?.what ?? '', fault?.line ? text.atLine(fault.line) : '')}
        </p>
        {!store.ok && <p className="t2">{text.keep}</p>}
        <p className="mono small t3 selectable path-text">{store.path}</p>
      </div>
    </li>
  )
}
