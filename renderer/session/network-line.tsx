import type { SessionView } from '@gantry/shared/ipc.ts'
import { ArrowLeftRight, Unplug } from 'lucide-react'
import { knownFailure } from '../api.ts'
import { useWindowState } from '../state.ts'
import { useSpeech } from '../ui/language.tsx'
import { useLasting } from '../ui/now.ts'
import { useStore } from '../ui/store.ts'
import { lastSwitch, shownMs } from './network.ts'

/** One quiet line: another server carries the session, or nothing reaches the device for the moment, which hop fails, and that nothing is lost (design: States). */
export function NetworkLine({ session, nowMs }: { session: SessionView; nowMs: number }) {
  const { words, format, explain } = useSpeech()
  const text = words.session.network
  const activity = useStore(useWindowState().sessions.activity).get(session.requestId)
  const { network, accessServer } = session
  // A break that is over before anybody can read of it is told by its traces alone: the activity and the name of the server.
  const isInterrupted = useLasting(network.state === 'interrupted', shownMs.after)
  const switched = lastSwitch(activity?.events ?? [], nowMs)
  return (
    <p className="netline c-switch small" role="status">
      {isInterrupted ? (
        <>
          <Unplug className="i s" aria-hidden />
          <span>
            <b>{text.joining(accessServer.name)}</b> {network.failure && explain(knownFailure(network.failure)).what}{' '}
            <span className="num t3">{format.duration(Math.max(0, nowMs - network.sinceMs))}</span>
          </span>
        </>
      ) : (
        switched && (
          <>
            <ArrowLeftRight className="i s" aria-hidden />
            <span>{text.switched(accessServer.name, format.timeInSentence(switched.atMs))}</span>
          </>
        )
      )}
    </p>
  )
}
