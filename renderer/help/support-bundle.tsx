import type { Failure } from '@gantry/shared/errors.ts'
import { FileText } from 'lucide-react'
import { useState } from 'react'
import { call, failureOf } from '../api.ts'
import { Button } from '../ui/button.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import { FailureNote } from '../ui/failure-note.tsx'
import { useSpeech } from '../ui/language.tsx'

type Making = { kind: 'idle' } | { kind: 'making' } | { kind: 'made'; path: string } | { kind: 'failed'; failure: Failure }

/** Writes the file for support and says where it lies. */
export function SupportBundle() {
  const { words } = useSpeech()
  const text = words.help.bundle
  const [making, setMaking] = useState<Making>({ kind: 'idle' })
  const make = () => {
    setMaking({ kind: 'making' })
    call('app.support-bundle', {}).then(
      ({ path }) => setMaking({ kind: 'made', path }),
      (error: unknown) => setMaking({ kind: 'failed', failure: failureOf(error) }),
    )
  }
  return (
    <section className="bundle" aria-labelledby="bundle-title">
      <h2 className="head keys-head" id="bundle-title">
        {text.title}
      </h2>
      <p className="t2">{text.text}</p>
      <div className="row-x" role="status">
        {making.kind === 'made' ? (
          <>
            <span>{text.made}</span>
            <span className="mono small selectable path-text">{making.path}</span>
            <CopyButton text={making.path} />
          </>
        ) : (
          <Button icon={FileText} onClick={make} closedBecause={making.kind === 'making' ? text.making : undefined}>
            {text.make}
          </Button>
        )}
      </div>
      {making.kind === 'failed' && <FailureNote failure={making.failure} />}
    </section>
  )
}
