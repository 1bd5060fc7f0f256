import { requestLimits } from '@gantry/shared/access-request.ts'
import type { DeviceRow } from '@gantry/shared/client-api.ts'
import type { RequestProgress } from '@gantry/shared/ipc.ts'
import { Modal } from '@mantine/core'
import { Bell } from 'lucide-react'
import { call, knownFailure } from '../api.ts'
import { ContactLine } from '../devices/contact-line.tsx'
import { PracticeTagOf } from '../rehearsal/practice-tag.tsx'
import { RehearsalLine } from '../rehearsal/rehearsal-line.tsx'
import { useWindowState } from '../state.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { FailureNote } from '../ui/failure-note.tsx'
import { useSpeech } from '../ui/language.tsx'
import { useNow } from '../ui/now.ts'
import { type Step, stepsOf } from './request-steps.ts'
import { isAsking } from './request-store.ts'
import { groupedCode, spokenCode } from './spoken-code.ts'

type LiveProps = { request: RequestProgress; device: DeviceRow | undefined; onClose: () => void }

/** A request on its way: each step with its time, the code to be said, whom to call. Esc cancels while it can still be cancelled. */
export function RequestLive({ request, device, onClose }: LiveProps) {
  const { words, format } = useSpeech()
  const nowMs = useNow(250)
  const { place, requests } = useWindowState()
  const { live } = words.request
  const isGoing = isAsking(request)
  const startMs = request.steps[0]?.atMs ?? nowMs
  const endMs = isGoing ? nowMs : (request.steps.at(-1)?.atMs ?? nowMs)
  const cancel = () => void call('request.cancel', { requestId: request.requestId }).catch(() => undefined)
  const askAgain = () => {
    requests.forget(request.requestId)
    const { access, reason, caseId, minutes, serviceKind } = request
    place.openDialog({ kind: 'ask', deviceId: request.device.id, access, filled: { reason, caseId, minutes, serviceKind } })
  }
  const close = () => {
    if (!isGoing && request.state !== 'open') requests.forget(request.requestId)
    onClose()
  }
  const isRefused = request.failure !== null && isAskState(request.state)
  const title = isRefused ? live.titles.refused : request.contact ? live.contact[request.contact].title : live.titles[request.state]

  return (
    <Dialog title={title} onClose={isGoing ? cancel : close} className="live">
      <div className="dlg-head">
        <Modal.Title component="h1">{title}</Modal.Title>
        <p className="t2 cut">
          {request.device.name}, {request.device.site}{' '}
          <span className="t3">{live.facts(words.levels[request.access].short, request.minutes, request.caseId)}</span>{' '}
          <PracticeTagOf deviceId={request.device.id} />
        </p>
        <span className="num el">
          <b>{format.countdown(endMs - startMs)}</b>
          <span className="small t3">{live.since}</span>
        </span>
      </div>
      <RehearsalLine deviceId={request.device.id} />
      <div className="fb">
        <div className={`way ${request.state === 'refused' || request.state === 'cancelled' || request.state === 'expired' ? '' : 'broken'}`}>
          <Steps request={request} device={device} nowMs={nowMs} />
          {request.failure && <FailureNote failure={knownFailure(request.failure)} tone={request.state === 'refused' ? 'ink' : 'danger'} />}
        </div>
        <Code request={request} device={device} nowMs={nowMs} />
      </div>
      <p className="sr" role="status">
        {title}
      </p>
      <div className="dlg-foot">
        {isGoing ? (
          <>
            <span className="small t2 grow row-x">
              <Bell className="i s" aria-hidden />
              <span>{live.elsewhere}</span>
            </span>
            <Button size="lg" onClick={onClose} autoFocus>
              {live.putAside}
            </Button>
            <Button size="lg" look="end" keys={words.ui.esc} onClick={cancel}>
              {live.cancel}
            </Button>
          </>
        ) : (
          <>
            <span className="grow" />
            <Button size="lg" keys={words.ui.esc} onClick={close}>
              {words.ui.close}
            </Button>
            {request.state === 'open' ? (
              <Button size="lg" look="primary" autoFocus onClick={() => place.openTab(request.requestId)}>
                {live.open}
              </Button>
            ) : (
              <Button size="lg" look="primary" autoFocus onClick={askAgain}>
                {live.askAgain}
              </Button>
            )}
          </>
        )}
      </div>
    </Dialog>
  )
}

function isAskState(state: RequestProgress['state']): boolean {
  return state === 'requested' || state === 'picked-up' || state === 'asking' || state === 'approved'
}

function Steps({ request, device, nowMs }: { request: RequestProgress; device: DeviceRow | undefined; nowMs: number }) {
  return (
    <ol className="steps">
      {stepsOf(request).map((step) => (
        <StepLine key={step.key} step={step} request={request} device={device} nowMs={nowMs} />
      ))}
    </ol>
  )
}

function StepLine({ step, request, device, nowMs }: { step: Step; request: RequestProgress; device: DeviceRow | undefined; nowMs: number }) {
  const { words, format } = useSpeech()
  const { live } = words.request
  const { label, detail } = useStepWords(step, request, device)
  const limitMs = requestLimits.answerSeconds * 1_000
  const isWaiting = step.key === 'answer' && step.state === 'now' && request.answerBeforeMs !== null
  const spentMs = isWaiting ? limitMs - Math.max(0, (request.answerBeforeMs ?? 0) - nowMs) : nowMs - step.sinceMs
  const time =
    step.atMs !== null
      ? step.key === 'signed'
        ? ''
        : format.took(step.atMs - step.sinceMs)
      : step.state !== 'now'
        ? ''
        : isWaiting
          ? live.ofLimit(format.countdown(spentMs), format.countdown(limitMs))
          : format.countdown(spentMs)
  return (
    <li className={`${step.state} ${step.key === 'answer' && step.state === 'now' ? 'person' : ''}`} aria-current={step.state === 'now' ? 'step' : undefined}>
      <span className="nd" aria-hidden />
      <span className="grow">
        <b>{label}</b>
        <span className="small d">{detail}</span>
      </span>
      <span className="num tm">{time}</span>
    </li>
  )
}

function useStepWords({ key, state }: Step, request: RequestProgress, device: DeviceRow | undefined): { label: string; detail: string } {
  const { words, format } = useSpeech()
  const { steps, details } = words.request.live
  if (state === 'stopped') return { label: key === 'answer' ? steps.answer : steps[key], detail: details.failed }
  const isByRule = device?.rules?.[request.access] === 'allow'
  switch (key) {
    case 'signed':
      return { label: steps.signed, detail: details.signed }
    case 'checked':
      return { label: steps.checked, detail: state === 'done' && request.passed.length > 0 ? details.checked(request.passed.length) : details.checking }
    case 'picked-up':
      if (state === 'done') return { label: steps['picked-up'], detail: details['picked-up'] }
      if (request.contact) return { label: steps['picked-up'], detail: words.request.live.contact[request.contact].detail }
      return { label: steps['picked-up'], detail: device?.instantPickup ? details.pickupInstant : details.pickup }
    case 'answer':
      if (state === 'done') return isByRule ? { label: steps.allowed, detail: details.allowed } : { label: steps.answered, detail: details.answered }
      if (isByRule) return { label: steps.allowed, detail: details.allowed }
      return {
        label: state === 'now' ? steps.asking : steps.answer,
        detail: request.answerBeforeMs ? details.asking(format.clock(request.answerBeforeMs)) : details.answer,
      }
    case 'joined':
      return { label: steps.joined, detail: request.accessServer ? details.joined(request.accessServer.name) : details.joining }
  }
}

function Code({ request, device, nowMs }: { request: RequestProgress; device: DeviceRow | undefined; nowMs: number }) {
  const { words, format } = useSpeech()
  const { live, digits } = words.request
  const isByRule = device?.rules?.[request.access] === 'allow'
  const spoken = request.code ? spokenCode(request.code, digits) : ''
  const theirs = device && live.deskAt(device.contact?.role ?? '', format.timeInSentence(nowMs, device.site.timeZone))
  return (
    <aside className="code">
      <p className="head">{live.code}</p>
      {request.code && isAsking(request) ? (
        <>
          <p className="big selectable" role="img" aria-label={groupedCode(request.code)}>
            {request.code.slice(0, 3)}
            <i />
            {request.code.slice(3)}
          </p>
          <p className="say">
            <span className="small t3">{live.say}</span>
            <q className="selectable">{request.typed ? live.type(spoken) : live.compare(spoken)}</q>
          </p>
          <p className="small t3 wy">{request.typed ? live.typeWhy : live.compareWhy}</p>
        </>
      ) : (
        <>
          <p className="big t3" aria-hidden>
            •••
            <i />
            •••
          </p>
          {isAsking(request) && <p className="small t3 wy">{isByRule ? live.codeNone : live.codePending}</p>}
        </>
      )}
      {device && (
        <div className="ct">
          <ContactLine device={device} {...(theirs ? { detail: theirs } : {})} />
        </div>
      )}
    </aside>
  )
}
