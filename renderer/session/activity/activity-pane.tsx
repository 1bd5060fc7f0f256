import type { SessionView } from '@gantry/shared/ipc.ts'
import { Activity as ActivityIcon, ShieldAlert, ShieldCheck } from 'lucide-react'
import { useEffect } from 'react'
import { useWindowState } from '../../state.ts'
import { useSpeech } from '../../ui/language.tsx'
import { useStore } from '../../ui/store.ts'
import { describeEvent } from './event-words.ts'
import { withSteps } from './request-events.ts'

/** What was audited in this session, as the device's chain brings it, newest first. */
export function ActivityPane({ session }: { session: SessionView }) {
  const speech = useSpeech()
  const { words, format } = speech
  const text = words.session.activity
  const { sessions, requests } = useWindowState()
  const activity = useStore(sessions.activity).get(session.requestId)
  const request = useStore(requests.store).find(({ requestId }) => requestId === session.requestId)
  const events = withSteps(activity?.events ?? [], request)
  useEffect(() => sessions.readActivity(session.requestId), [sessions, session.requestId])
  const isWhole = session.auditVerified && (activity?.verified ?? true)
  return (
    <section className="pane actp" aria-label={text.title} data-region tabIndex={-1}>
      <div className="ph">
        <ActivityIcon className="i s" aria-hidden />
        <b className="grow">{text.title}</b>
        <span className={`small row-x ${isWhole ? 't3' : 'c-danger'}`}>
          {isWhole ? <ShieldCheck className="i s c-live" aria-hidden /> : <ShieldAlert className="i s" aria-hidden />}
          {isWhole ? text.verified : text.broken}
        </span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is in reach of the keyboard (WCAG 2.1.1) */}
      <ol className="events" aria-live="off" tabIndex={0}>
        {events.length === 0 && <li className="t3 small none">{text.empty}</li>}
        {events.toReversed().map((event) => {
          const { icon: Icon, tone, title, detail } = describeEvent(event, speech)
          return (
            <li key={event.id} className={tone}>
              <span className="num small t3">{format.clock(Date.parse(event.at))}</span>
              <Icon className="i s" aria-hidden />
              <span>
                <span className="et">{title}</span>
                {detail && <span className="es">{detail}</span>}
              </span>
            </li>
          )
        })}
      </ol>
    </section>
  )
}
