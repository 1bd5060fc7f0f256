import type { CaseView } from '@gantry/shared/case-api.ts'
import type { Failure } from '@gantry/shared/errors.ts'
import { Modal } from '@mantine/core'
import { useEffect, useState } from 'react'
import { call, failureOf } from '../api.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { FailureNote } from '../ui/failure-note.tsx'
import { useSpeech } from '../ui/language.tsx'
import { caseOf } from './case-view.ts'
import { CloseForm } from './close-form.tsx'
import { EscalateForm } from './escalate-form.tsx'

type CaseDialogProps = { number: string; customerId: string | undefined; onClose: () => void }

/** A case: whose it is, and for its holder the two things to do with it (R083, R087). */
export function CaseDialog({ number, customerId, onClose }: CaseDialogProps) {
  const { words } = useSpeech()
  const [found, setFound] = useState<CaseView | null>(null)
  const [failure, setFailure] = useState<Failure | null>(null)
  const [doing, setDoing] = useState<'escalate' | 'close' | null>(null)
  useEffect(() => {
    let isCurrent = true
    call('case.list', {}).then(
      ({ cases }) => {
        if (!isCurrent) return
        const one = caseOf(cases, number, customerId)
        setFound(one)
        setFailure(one ? null : { code: 'case.unknown' })
      },
      (error) => isCurrent && setFailure(failureOf(error)),
    )
    return () => {
      isCurrent = false
    }
  }, [number, customerId])
  const done = (next: CaseView) => {
    setFound(next)
    setDoing(null)
  }
  const back = () => setDoing(null)
  const title = doing === 'close' ? words.case.closeTitle(number) : words.case.title(number)
  return (
    <Dialog title={title} onClose={doing ? back : onClose} width={520}>
      {found && doing === 'escalate' && <EscalateForm found={found} onDone={done} onBack={back} />}
      {found && doing === 'close' && <CloseForm found={found} onDone={done} onBack={back} />}
      {!doing && (
        <>
          <div className="confirm">
            <Modal.Title component="h1">{title}</Modal.Title>
            {found && <CaseFacts found={found} />}
            {failure && <FailureNote failure={failure} tone="ink" />}
          </div>
          <div className="dlg-foot">
            <span className="grow" />
            <Button size="lg" onClick={onClose} keys={words.ui.esc}>
              {words.ui.close}
            </Button>
            {found?.held && found.state === 'open' && (
              <>
                <Button size="lg" onClick={() => setDoing('escalate')}>
                  {words.case.escalate}
                </Button>
                <Button size="lg" look="end" onClick={() => setDoing('close')}>
                  {words.case.close}
                </Button>
              </>
            )}
          </div>
        </>
      )}
    </Dialog>
  )
}

function CaseFacts({ found }: { found: CaseView }) {
  const { words, format } = useSpeech()
  const text = words.case
  const { escalation, closed } = found
  return (
    <div className="t2 selectable">
      <p>{text.where(found.customer, found.device.name)}</p>
      <p>{text.opened(found.openedBy, format.dayOf(found.openedMs))}</p>
      {escalation && <p>{text.escalated(escalation.by, format.dayOf(escalation.atMs), escalation.reason)}</p>}
      <p>
        <b>{closed ? text.closed(closed.by, format.dayOf(closed.atMs), closed.resolution) : found.held ? text.yours : text.theirs(found.holder)}</b>
      </p>
    </div>
  )
}
