import type { Failure } from '@gantry/shared/errors.ts'
import { CircleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { useSpeech } from './language.tsx'

/** An error in its place: what happened, what to do, the code. `tone` ink is for a refusal that broke nothing. */
export function FailureNote({ failure, tone = 'danger', children }: { failure: Failure; tone?: 'danger' | 'ink'; children?: ReactNode }) {
  const { explain } = useSpeech()
  const { what, todo } = explain(failure)
  return (
    <div className={`failure ${tone}`} role="alert">
      <CircleAlert className="i" aria-hidden />
      <div className="grow">
        <p className="strong">{what}</p>
        <p className="t2">
          {todo} <span className="mono small t3">{failure.code}</span>
        </p>
        {children && <div className="failure-acts">{children}</div>}
      </div>
    </div>
  )
}
