import type { AccessRequestView } from '@gantry/shared/client-api.ts'
import type { Failure } from '@gantry/shared/errors.ts'
import { useEffect, useState } from 'react'
import { call, failureOf, knownFailure } from '../api.ts'
import { useWindowState } from '../state.ts'
import { Button } from '../ui/button.tsx'
import { FailureNote } from '../ui/failure-note.tsx'
import { useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'
import { ThreadGlyph } from '../ui/thread.tsx'
import { cutBy, type Thread, through } from '../ui/thread-model.ts'

/** The specialist's own requests, newest first, with how each went. */
export function HistoryScreen() {
  const { words } = useSpeech()
  const state = useWindowState()
  const changes = useStore(state.requests.store)
  const [requests, setRequests] = useState<readonly AccessRequestView[] | null>(null)
  const [failure, setFailure] = useState<Failure | null>(null)
  const text = words.history
  // biome-ignore lint/correctness/useExhaustiveDependencies: read again whenever one of the requests has moved on
  useEffect(() => {
    let isCurrent = true
    call('history.list', {}).then(
      (answer) => {
        if (!isCurrent) return
        setRequests(answer.requests.toSorted((a, b) => b.createdMs - a.createdMs))
        setFailure(null)
      },
      (error) => isCurrent && setFailure(failureOf(error)),
    )
    return () => {
      isCurrent = false
    }
  }, [changes])
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is in reach of the keyboard (WCAG 2.1.1)
    <main className="screen" aria-labelledby="history-title" data-region tabIndex={0}>
      <header>
        <h1 id="history-title">{text.title}</h1>
        <p className="t2">{text.text}</p>
      </header>
      {failure && <FailureNote failure={failure} />}
      {requests?.length === 0 && (
        <div className="empty">
          <div>
            <ThreadGlyph thread={{ ...through('off'), hops: ['dim', 'dim', 'dim'], nodes: ['dot', 'hollow', 'hollow', 'hollow'] }} />
            <h2>{text.empty}</h2>
            <p className="t2">{text.emptyText}</p>
            <p className="acts">
              <Button onClick={() => state.place.go('devices')}>{words.shell.devices}</Button>
            </p>
          </div>
        </div>
      )}
      {requests && requests.length > 0 && (
        <table className="lines">
          <thead>
            <tr className="head">
              <th>{text.columns.outcome}</th>
              <th>{text.columns.device}</th>
              <th>{text.columns.access}</th>
              <th>{text.columns.caseId}</th>
              <th className="right">{text.columns.when}</th>
            </tr>
          </thead>
          <tbody>
            {requests.map((request) => (
              <HistoryRow key={request.id} request={request} />
            ))}
          </tbody>
        </table>
      )}
    </main>
  )
}

function HistoryRow({ request }: { request: AccessRequestView }) {
  const { words, format, explain } = useSpeech()
  const isToday = new Date(request.createdMs).toDateString() === new Date().toDateString()
  const outcome = request.endCause
    ? words.session.ended.titles[request.endCause]
    : request.refusal
      ? explain(knownFailure(request.refusal)).what
      : words.history.states[request.state]
  return (
    <tr>
      <td>
        <span className="row-x">
          <ThreadGlyph thread={threadOfRequest(request)} />
          <span className="cut">{outcome}</span>
        </span>
      </td>
      <td className="strong">{request.device.name}</td>
      <td>{words.levels[request.access].name}</td>
      <td className="mono selectable">{request.caseId}</td>
      <td className="num right nowrap">{isToday ? format.time(request.createdMs) : `${format.dayOf(request.createdMs)} ${format.time(request.createdMs)}`}</td>
    </tr>
  )
}

function threadOfRequest({ state, endCause }: AccessRequestView): Thread {
  if (endCause) return cutBy(endCause)
  if (state === 'open') return { ...through('live'), halo: 'still' }
  if (state === 'asking' || state === 'requested' || state === 'picked-up' || state === 'approved') return { ...through('wait'), halo: 'still' }
  return { tone: 'off', nodes: ['dot', 'dot', 'dot', 'square'], hops: ['solid', 'solid', 'solid'], halo: 'none' }
}
