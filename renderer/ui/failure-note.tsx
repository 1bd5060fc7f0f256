import type { Failure } from '@gantry/shared/errors.ts'
import { CircleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { CopyButton } from './copy-button.tsx'
import { useSpeech } from './language.tsx'

/** An error in its place: what happened, what to do, the code. `tone` ink is for a refusal that broke nothing. */
export function FailureNote({ failure, tone = 'danger', children }: { failure: Failure; tone?: 'danger' | 'ink'; children?: ReactNode }) {
  const { words, explain } = useSpeech()
  // The line of the client's log that holds the same six characters says when and in which call.
  const reference = failure.details?.reference
  const { what, todo } = explain(failure)
  return (
    <div className={`failure ${tone}`} role="alert">
      <CircleAlert className="i" aria-hidden />
      <div className="grow">
        <p className="strong">{what}</p>
        <p className="t2">
          {todo} <span className="mono small t3 selectable">{reference ? `${failure.code} · ${reference}` : failure.code}</span>
          {reference && <CopyButton text={`${failure.code} ${reference}`} label={words.ui.copyReference} />}
        </p>
        {children && <div className="failure-acts">{children}</div>}
      </div>
    </div>
  )
}
