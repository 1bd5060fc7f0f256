import type { SessionView } from '@gantry/shared/ipc.ts'
import { CircleStop, Eye, ShieldAlert, ShieldCheck } from 'lucide-react'
import { useEffect, useState } from 'react'
import { call } from '../api.ts'
import { CaseButton } from '../case/case-button.tsx'
import { useCommands } from '../palette/use-commands.ts'
import { PracticeTagOf } from '../rehearsal/practice-tag.tsx'
import { useWindowState } from '../state.ts'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { useKeys } from '../ui/keys.ts'
import { useSpeech } from '../ui/language.tsx'
import { useNow } from '../ui/now.ts'
import { useStore } from '../ui/store.ts'
import { ThreadPath } from '../ui/thread.tsx'
import { isOver } from './files/transfer-store.ts'
import { MoreTime } from './more-time.tsx'
import { blockedTries, lastSwitch, threadOfSession } from './network.ts'
import { NetworkLine } from './network-line.tsx'
import { Restricted } from './restricted.tsx'
import { urgencyOf } from './timeline.ts'
import { TimelineStrip } from './timeline-strip.tsx'

/** Over a live session: where it runs, how long still, who sees it, and End, which is always in reach. */
export function SessionHeader({ session, isShown, hasKeys }: { session: SessionView; isShown: boolean; hasKeys: boolean }) {
  const { words, format } = useSpeech()
  const text = words.session
  const { side } = words.devices
  const nowMs = useNow()
  const [isEnding, setEnding] = useState(false)
  const { transfers, sessions } = useWindowState()
  const unfinished = useStore(transfers.store).filter((transfer) => transfer.requestId === session.requestId && !isOver(transfer)).length
  const grantedMs = session.endsMs - session.startedMs
  const leftMs = Math.max(0, session.endsMs - nowMs)
  const urgency = urgencyOf(leftMs, grantedMs)
  useKeys({ 'Ctrl+Shift+E': () => setEnding(true) }, hasKeys)
  useCommands(() => [{ name: words.help.does.end, keys: 'Ctrl ⇧ E', run: () => setEnding(true) }], isShown)
  const end = () => {
    setEnding(false)
    void call('session.end', { requestId: session.requestId }).catch(() => undefined)
  }
  const switched = lastSwitch(useStore(sessions.activity).get(session.requestId)?.events ?? [], nowMs)
  const server = { name: session.accessServer.name, tone: switched ? ('switch' as const) : undefined }
  const places = [{ name: side.you }, server, { name: side.site }, { name: side.device }]
  return (
    <>
      <header className="shead">
        <div className="id">
          <h1 className="cut">{session.device.name}</h1>
          <PracticeTagOf deviceId={session.device.id} />
          <span className="tag level">{words.levels[session.access].name}</span>
          <span className="small t3 cut opt">{session.device.site}</span>
          <CaseButton number={session.caseId} deviceId={session.device.id} />
        </div>
        <ThreadPath look="head" label={text.path} thread={threadOfSession(session)} places={places} />
        <div className={`count ${urgency}`} role="timer" aria-live="off">
          <b className="num">{format.countdown(leftMs)}</b>
          <span className="small t3">{text.left(Math.round(grantedMs / 60_000))}</span>
        </div>
        {session.used && (
          <div className="count used" title={text.usedTitle}>
            <span className="num small t2">{text.used(...format.bytesOf(session.used.bytes, session.used.maxBytes))}</span>
          </div>
        )}
        <Restricted session={session} />
        <MoreTime session={session} isShown={isShown} hasKeys={hasKeys} />
        <Button size="lg" look="end" icon={CircleStop} keys="Ctrl ⇧ E" onClick={() => setEnding(true)}>
          {text.end}
        </Button>
      </header>
      <SaidOnce urgency={urgency} leftMs={leftMs} />
      <TimelineStrip session={session} nowMs={nowMs} />
      <SeenLine session={session} nowMs={nowMs} />
      {isEnding && (
        <ConfirmDialog
          title={text.endTitle}
          look="end"
          confirm={text.endConfirm}
          onConfirm={end}
          onClose={() => setEnding(false)}
          text={
            <>
              <p>{text.endText(session.device.name)}</p>
              {unfinished > 0 && <p className="c-wait">{text.endTransfers(unfinished)}</p>}
            </>
          }
        />
      )}
    </>
  )
}

function SeenLine({ session, nowMs }: { session: SessionView; nowMs: number }) {
  const { words } = useSpeech()
  const text = words.session
  return (
    <div className="seen">
      <p className="row-x grow">
        <Eye className="i" aria-hidden />
        <span className="seen-text">
          <b>{session.approvedBy === 'person' ? text.seenPerson : text.seenAnyone}</b> {text.seen}
        </span>
      </p>
      <NetworkLine session={session} nowMs={nowMs} />
      {!session.separated && (
        <span className="row-x small c-wait">
          <ShieldAlert className="i s" aria-hidden />
          {text.notSeparated}
        </span>
      )}
      <WallLine session={session} />
    </div>
  )
}

/** Whether its programs can reach the hospital's network: what the device tried says so, not a setting. */
function WallLine({ session }: { session: SessionView }) {
  const { words } = useSpeech()
  const { sessions } = useWindowState()
  const tried = blockedTries(useStore(sessions.activity).get(session.requestId)?.events ?? [])
  if (session.reach === 'open' && session.separated)
    return (
      <span className="row-x small c-wait">
        <ShieldAlert className="i s" aria-hidden />
        {words.session.networkOpen}
      </span>
    )
  if (tried === null) return null
  return (
    <span className="row-x small t3">
      <ShieldCheck className="i s" aria-hidden />
      {words.session.blocked(tried)}
    </span>
  )
}

/** The limits of the time left, each said once to a screen reader. */
function SaidOnce({ urgency, leftMs }: { urgency: ReturnType<typeof urgencyOf>; leftMs: number }) {
  const { words, format } = useSpeech()
  const [said, setSaid] = useState('')
  // biome-ignore lint/correctness/useExhaustiveDependencies: said when the limit is passed, not each second after
  useEffect(() => {
    if (urgency !== 'calm') setSaid(words.session.endsSoon(format.duration(leftMs)))
  }, [urgency])
  return (
    <p className="sr" role="status">
      {said}
    </p>
  )
}
