import type { DeviceRow } from '@gantry/shared/client-api.ts'
import type { Failure } from '@gantry/shared/errors.ts'
import { type AccessLevel, accessLevels, ServiceKind } from '@gantry/shared/profile.ts'
import { Modal } from '@mantine/core'
import { ChevronDown, CornerDownLeft, X } from 'lucide-react'
import { type ReactNode, useId, useState } from 'react'
import { call, failureOf } from '../api.ts'
import { RuleMark } from '../devices/rule-mark.tsx'
import type { Filled } from '../place.ts'
import { PracticeTag } from '../rehearsal/practice-tag.tsx'
import { RehearsalLine } from '../rehearsal/rehearsal-line.tsx'
import { ConfirmDialog } from '../sign-in/confirm-dialog.tsx'
import { useWindowState } from '../state.ts'
import { Button, IconButton } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { FailureNote } from '../ui/failure-note.tsx'
import { useKeys } from '../ui/keys.ts'
import { useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'
import { DevicePreview } from './device-preview.tsx'
import { type Draft, emptyDraft, maxCase, maxReason, minuteChoices, missingIn } from './request-draft.ts'

type FormProps = { device: DeviceRow; access?: AccessLevel | undefined; filled?: Filled | undefined; onClose: () => void }

/** What is asked of a device, with the words that the person there will read. Ctrl Enter signs and sends. */
export function RequestForm({ device, access, filled, onClose }: FormProps) {
  const { words } = useSpeech()
  const { place, keys, signIn } = useWindowState()
  const needsPin = useStore(keys.store).status?.current?.pin === true
  const { confirming } = useStore(signIn)
  const [draft, setDraft] = useState<Draft>(() => ({ ...emptyDraft(device, access), ...filled }))
  const [isSending, setSending] = useState(false)
  const [failure, setFailure] = useState<Failure | null>(null)
  const [isTried, setTried] = useState(false)
  const missing = missingIn(draft, needsPin)
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part })

  const send = () => {
    setTried(true)
    // Once it is drawn as missing: what has to be filled in has the focus.
    if (missing) requestAnimationFrame(() => document.querySelector<HTMLElement>('.dlg.ask [aria-invalid="true"]')?.focus())
    if (isSending || missing || !draft.access) return
    setSending(true)
    setFailure(null)
    const { caseId, reason, minutes, serviceKind, pin } = draft
    const asked = { deviceId: device.id, access: draft.access, serviceKind, caseId: caseId.trim(), reason: reason.trim(), minutes }
    call('request.start', needsPin ? { ...asked, pin } : asked).then(
      ({ requestId }) => place.openDialog({ kind: 'follow', requestId }),
      (error) => {
        setFailure(failureOf(error))
        // Typed anew for each try.
        setDraft({ ...draft, pin: '' })
        setSending(false)
      },
    )
  }

  useKeys({ 'Ctrl+Enter': send })

  // In its place, not over it: one Esc shall not close both. What was typed stays, and the request goes on from here.
  if (isSending && confirming === 'os') return <ConfirmDialog />
  return (
    <Dialog title={words.request.title} onClose={onClose} className="ask">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          send()
        }}
      >
        <div className="dlg-head">
          <Modal.Title component="h1">{words.request.title}</Modal.Title>
          <p className="t2 cut">
            {device.name}, {device.site.name} <span className="t3 mono">{device.serial}</span> {device.practice && <PracticeTag />}
          </p>
          <span className="close">
            <IconButton icon={X} label={words.ui.close} keys={words.ui.esc} onClick={onClose} />
          </span>
        </div>
        <RehearsalLine deviceId={device.id} />
        <div className="fb">
          <div className="fl">
            <Levels device={device} draft={draft} onChange={change} />
            <div className="three">
              <KindField draft={draft} onChange={change} />
              <CaseField draft={draft} onChange={change} isMissing={isTried && missing === 'caseId'} />
              <MinutesField draft={draft} onChange={change} />
            </div>
            <ReasonField draft={draft} onChange={change} isMissing={isTried && missing === 'reason'} />
            {needsPin && <PinField draft={draft} onChange={change} isMissing={isTried && missing === 'pin'} />}
            {failure && <FailureNote failure={failure} />}
          </div>
          <DevicePreview draft={draft} device={device} />
        </div>
        <div className="dlg-foot">
          <span className={`small grow ${isTried && missing ? 'c-danger' : 't2'}`} role={isTried && missing ? 'alert' : undefined}>
            {isTried && missing ? words.request.missing[missing] : <WhatIsNeeded device={device} access={draft.access} />}
          </span>
          <Button size="lg" onClick={onClose} keys={words.ui.esc}>
            {words.ui.cancel}
          </Button>
          <Button
            size="lg"
            look="primary"
            type="submit"
            closedBecause={isSending ? words.request.sending : undefined}
            keys={
              <>
                Ctrl <CornerDownLeft className="i" />
              </>
            }
          >
            {isSending ? words.request.sending : words.request.send}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

type FieldProps = { draft: Draft; onChange: (part: Partial<Draft>) => void; isMissing?: boolean }

function Levels({ device, draft, onChange }: FieldProps & { device: DeviceRow }) {
  const { words } = useSpeech()
  return (
    <fieldset>
      <legend className="lb">{words.request.level}</legend>
      <div className="levels">
        {accessLevels.map((level) => {
          const isHeld = device.levels.includes(level)
          const rule = device.rules?.[level]
          const isClosed = !isHeld || rule === 'deny'
          return (
            <label key={level} className={`lv ${draft.access === level ? 'on' : ''} ${isClosed ? 'shut' : ''}`}>
              <input
                type="radio"
                name="access"
                className="rad"
                checked={draft.access === level}
                disabled={isClosed}
                onChange={() => onChange({ access: level })}
                data-autofocus={draft.access === level || undefined}
              />
              <span className="grow">
                <b>{words.levels[level].name}</b>
                <span className="small t3 d">{words.levels[level].detail}</span>
              </span>
              {isHeld ? rule && <RuleMark rule={rule} /> : <span className="small t3">{words.request.notAllowed}</span>}
            </label>
          )
        })}
      </div>
    </fieldset>
  )
}

function KindField({ draft, onChange }: FieldProps) {
  const { words } = useSpeech()
  return (
    <Labelled label={words.request.kind}>
      {(id) => (
        <span className="field lg">
          <select id={id} value={draft.serviceKind} onChange={(event) => onChange({ serviceKind: ServiceKind.parse(event.target.value) })}>
            {ServiceKind.options.map((kind) => (
              <option key={kind} value={kind}>
                {words.serviceKinds[kind]}
              </option>
            ))}
          </select>
          <ChevronDown className="i s t3" aria-hidden />
        </span>
      )}
    </Labelled>
  )
}

function CaseField({ draft, onChange, isMissing }: FieldProps) {
  const { words } = useSpeech()
  return (
    <Labelled label={words.request.caseId}>
      {(id) => (
        <span className="field lg" data-invalid={isMissing || undefined}>
          <input
            id={id}
            className="mono"
            value={draft.caseId}
            maxLength={maxCase}
            spellCheck={false}
            autoComplete="off"
            placeholder={words.request.caseHint}
            aria-invalid={isMissing || undefined}
            onChange={(event) => onChange({ caseId: event.target.value })}
          />
        </span>
      )}
    </Labelled>
  )
}

function MinutesField({ draft, onChange }: FieldProps) {
  const { words } = useSpeech()
  return (
    <fieldset>
      <legend className="lb">{words.request.minutes}</legend>
      <div className="seg">
        {minuteChoices.map((minutes) => (
          <label key={minutes} className={draft.minutes === minutes ? 'on' : ''}>
            <input
              type="radio"
              name="minutes"
              className="sr"
              checked={draft.minutes === minutes}
              aria-label={words.request.minutesUnit(minutes)}
              onChange={() => onChange({ minutes })}
            />
            <span aria-hidden>{draft.minutes === minutes ? words.request.minutesUnit(minutes) : minutes}</span>
          </label>
        ))}
      </div>
    </fieldset>
  )
}

function ReasonField({ draft, onChange, isMissing }: FieldProps) {
  const { words, format } = useSpeech()
  return (
    <Labelled label={words.request.reason}>
      {(id) => (
        <span className="field ta" data-invalid={isMissing || undefined}>
          <textarea
            id={id}
            value={draft.reason}
            maxLength={maxReason}
            aria-invalid={isMissing || undefined}
            onChange={(event) => onChange({ reason: event.target.value })}
          />
          <span className="small t3 num cnt">{words.request.counted(format.number(draft.reason.length), format.number(maxReason))}</span>
        </span>
      )}
    </Labelled>
  )
}

/** Of the support key, for this one request. */
function PinField({ draft, onChange, isMissing }: FieldProps) {
  const { words } = useSpeech()
  return (
    <Labelled label={words.request.pin}>
      {(id) => (
        <span className="field lg" data-invalid={isMissing || undefined}>
          <input
            id={id}
            type="password"
            autoComplete="off"
            maxLength={200}
            value={draft.pin}
            aria-invalid={isMissing || undefined}
            onChange={(event) => onChange({ pin: event.target.value })}
          />
        </span>
      )}
    </Labelled>
  )
}

function Labelled({ label, children }: { label: string; children: (id: string) => ReactNode }) {
  const id = useId()
  return (
    <div>
      <label className="lb" htmlFor={id}>
        {label}
      </label>
      {children(id)}
    </div>
  )
}

/** Who has to do what at the device for this level. */
function WhatIsNeeded({ device, access }: { device: DeviceRow; access: AccessLevel | null }) {
  const { words } = useSpeech()
  const { foot } = words.request
  const rule = access ? device.rules?.[access] : undefined
  if (!rule) return foot.unknown
  const person = device.contact?.name ?? foot.somebody
  return rule === 'ask' || rule === 'ask-typed' ? foot[rule](person) : foot[rule]
}
