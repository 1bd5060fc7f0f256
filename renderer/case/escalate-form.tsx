import type { CaseView } from '@gantry/shared/case-api.ts'
import type { Failure } from '@gantry/shared/errors.ts'
import type { CallOutput } from '@gantry/shared/ipc.ts'
import { ChevronDown } from 'lucide-react'
import { useEffect, useId, useState } from 'react'
import { call, failureOf } from '../api.ts'
import { FailureNote } from '../ui/failure-note.tsx'
import { useSpeech } from '../ui/language.tsx'
import { CaseForm } from './case-form.tsx'

type Colleagues = CallOutput<'case.colleagues'>['colleagues']
type EscalateFormProps = { found: CaseView; onDone: (next: CaseView) => void; onBack: () => void }

/** To whom a case goes: whoever is assigned to its device. */
export function EscalateForm({ found, onDone, onBack }: EscalateFormProps) {
  const { words } = useSpeech()
  const text = words.case
  const id = useId()
  const { customerId, number } = found
  const [colleagues, setColleagues] = useState<Colleagues | null>(null)
  const [failure, setFailure] = useState<Failure | null>(null)
  const [to, setTo] = useState('')
  useEffect(() => {
    let isCurrent = true
    call('case.colleagues', { customerId, number }).then(
      (answer) => {
        if (!isCurrent) return
        setColleagues(answer.colleagues)
        setTo(answer.colleagues[0]?.username ?? '')
      },
      (error) => isCurrent && setFailure(failureOf(error)),
    )
    return () => {
      isCurrent = false
    }
  }, [customerId, number])
  return (
    <CaseForm
      title={text.title(number)}
      label={text.reason}
      hint={text.reasonHint}
      confirm={text.escalateDone}
      look="primary"
      closedBecause={to === '' ? text.escalateNobody : undefined}
      send={(reason) => call('case.escalate', { customerId, number, to, reason })}
      onDone={onDone}
      onBack={onBack}
    >
      {failure && <FailureNote failure={failure} />}
      {colleagues?.length === 0 && <p className="t2">{text.escalateNobody}</p>}
      {colleagues !== null && colleagues.length > 0 && (
        <>
          <label className="lb" htmlFor={id}>
            {text.escalateTo}
          </label>
          <span className="field lg">
            <select id={id} value={to} onChange={(event) => setTo(event.target.value)}>
              {colleagues.map(({ username, name, tier, country }) => (
                <option key={username} value={username}>
                  {text.colleague(name, tier, country)}
                </option>
              ))}
            </select>
            <ChevronDown className="i s t3" aria-hidden />
          </span>
        </>
      )}
    </CaseForm>
  )
}
