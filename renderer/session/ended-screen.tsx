import type { SessionView } from '@gantry/shared/ipc.ts'
import { ArrowDown, ArrowUp, BadgeCheck, CircleAlert, History, RotateCcw, ShieldAlert, ShieldCheck } from 'lucide-react'
import { useEffect } from 'react'
import { knownFailure } from '../api.ts'
import { CaseButton } from '../case/case-button.tsx'
import { ContactLine } from '../devices/contact-line.tsx'
import { useWindowState } from '../state.ts'
import { Button } from '../ui/button.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import { FailureNote } from '../ui/failure-note.tsx'
import { useSpeech } from '../ui/language.tsx'
import { SafeName } from '../ui/safe-text.tsx'
import { useStore } from '../ui/store.ts'
import { ThreadPath } from '../ui/thread.tsx'
import { cutBy } from '../ui/thread-model.ts'
import { describeEvent } from './activity/event-words.ts'

const shownEvents = 14

/** Why a session ended, what was done in it, and where it is written down. */
export function EndedScreen({ session, onClose }: { session: SessionView; onClose: () => void }) {
  const { words, format } = useSpeech()
  const state = useWindowState()
  const text = words.session.ended
  const { side } = words.devices
  const devices = useStore(state.devices.store).devices
  const device = devices.find(({ id }) => id === session.device.id)
  const cause = session.endCause ?? 'connection-lost'
  const endedMs = session.endedMs ?? session.endsMs
  const places = [{ name: side.you }, { name: session.accessServer.name }, { name: side.site }, { name: side.device }]
  useEffect(() => state.sessions.readActivity(session.requestId), [state.sessions, session.requestId])
  return (
    <div className="ended">
      <div className="ended-in">
        <ThreadPath look="end" label={words.session.path} thread={cutBy(cause)} places={places} />
        <h1>{text.titles[cause]}</h1>
        <p className="lead t2">
          {text.at(format.clock(endedMs))} {text.texts[cause]} <span className="mono small t3">{`end.${cause}`}</span>
        </p>
        {session.failure && <FailureNote failure={knownFailure(session.failure)} />}
        <div className="row-x ended-acts">
          <Button
            size="lg"
            look="primary"
            icon={RotateCcw}
            onClick={() => state.place.openDialog({ kind: 'ask', deviceId: session.device.id, access: session.access, filled: { caseId: session.caseId } })}
          >
            {text.askAgain}
          </Button>
          <Button size="lg" icon={History} onClick={() => state.place.go('history')}>
            {text.toHistory}
          </Button>
          <Button size="lg" onClick={onClose}>
            {text.closeTab}
          </Button>
        </div>
        <Figures session={session} endedMs={endedMs} />
        <div className="cols">
          <Happened session={session} />
          <div>
            <MovedFiles session={session} />
            <Records session={session} />
            {device && (
              <section>
                <h2>{text.callDesk}</h2>
                <ContactLine device={device} />
              </section>
            )}
          </div>
        </div>
        <p className="small t3 row-x ref">
          {text.reference} <span className="mono selectable">{session.requestId}</span> <CopyButton text={session.requestId} />
          <span className="grow" />
          <CaseButton number={session.caseId} deviceId={session.device.id} />
        </p>
      </div>
    </div>
  )
}

function Figures({ session, endedMs }: { session: SessionView; endedMs: number }) {
  const { words, format } = useSpeech()
  const text = words.session.ended
  const state = useWindowState()
  const events = useStore(state.sessions.activity).get(session.requestId)?.events.length ?? 0
  const done = useStore(state.transfers.store).filter(({ requestId, state: how }) => requestId === session.requestId && how === 'done')
  const figures: [string, string][] = [
    [format.duration(endedMs - session.startedMs), text.of(Math.round((session.endsMs - session.startedMs) / 60_000))],
    [format.number(events), events === 1 ? text.eventsOne : text.events],
    [format.number(done.reduce((sum, { files }) => sum + files, 0)), text.files],
    [format.bytes(done.reduce((sum, { bytes }) => sum + bytes, 0)), text.moved],
  ]
  return (
    <dl className="figures">
      {figures.map(([value, name]) => (
        <div key={name}>
          <dd className="num">{value}</dd>
          <dt className="small t3">{name}</dt>
        </div>
      ))}
    </dl>
  )
}

function Happened({ session }: { session: SessionView }) {
  const speech = useSpeech()
  const events = useStore(useWindowState().sessions.activity).get(session.requestId)?.events ?? []
  return (
    <section>
      <h2>{speech.words.session.ended.what}</h2>
      <ul className="ch">
        {events.slice(-shownEvents).map((event) => {
          const { icon: Icon, title, detail } = describeEvent(event, speech)
          return (
            <li key={event.id}>
              <Icon className="i s t3" aria-hidden />
              <span className="grow">
                {title}
                {detail && <span className="small t3 d">{detail}</span>}
              </span>
              <span className="num small t3">{speech.format.time(Date.parse(event.at))}</span>
            </li>
          )
        })}
      </ul>
    </section>
  )
}

function MovedFiles({ session }: { session: SessionView }) {
  const { words, format } = useSpeech()
  const text = words.session.ended
  const transfers = useStore(useWindowState().transfers.store).filter(({ requestId }) => requestId === session.requestId)
  return (
    <section>
      <h2>{text.filesTitle}</h2>
      {transfers.length === 0 && <p className="t3">{text.noFiles}</p>}
      <ul className="ch one">
        {transfers.map((transfer) => {
          const Arrow = transfer.direction === 'put' ? ArrowUp : ArrowDown
          return (
            <li key={transfer.id}>
              <Arrow className="i s t3" aria-hidden />
              <SafeName name={transfer.name} className="grow cut" />
              <span className="num small t2">{format.bytes(transfer.bytes)}</span>
              {transfer.verified ? (
                <BadgeCheck className="i s c-live" aria-label={words.session.transfers.verified} />
              ) : (
                <CircleAlert className="i s c-danger" aria-label={words.session.transfers.states.failed} />
              )}
            </li>
          )
        })}
      </ul>
    </section>
  )
}

function Records({ session }: { session: SessionView }) {
  const { words, format } = useSpeech()
  const text = words.session.ended
  const count = useStore(useWindowState().sessions.activity).get(session.requestId)?.events.length ?? 0
  const Icon = session.auditVerified ? ShieldCheck : ShieldAlert
  return (
    <section>
      <h2>{text.records}</h2>
      <p className="row-x">
        <Icon className={`i s ${session.auditVerified ? 'c-live' : 'c-danger'}`} aria-hidden />
        {session.auditVerified ? text.recordsWhole(format.number(count)) : text.recordsBroken}
      </p>
      <p className="small t3">{text.recordsWhere}</p>
    </section>
  )
}
