import type { SessionView } from '@gantry/shared/ipc.ts'
import { Tooltip } from '@mantine/core'
import { useState } from 'react'
import { useWindowState } from '../state.ts'
import { useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'
import { describeEvent } from './activity/event-words.ts'
import { marksOf } from './timeline.ts'

const ticks = [0.25, 0.5, 0.75]

/** The granted time from start to end, with what happened on it. Arrow keys go from mark to mark and name each. */
export function TimelineStrip({ session, nowMs }: { session: SessionView; nowMs: number }) {
  const speech = useSpeech()
  const { words, format } = speech
  const activity = useStore(useWindowState().sessions.activity).get(session.requestId)
  const [at, setAt] = useState(-1)
  const { startedMs, endsMs } = session
  const marks = marksOf(activity?.events ?? [], startedMs, endsMs)
  const past = `${Math.min(100, Math.max(0, ((nowMs - startedMs) / (endsMs - startedMs)) * 100))}%`
  const nameOf = (index: number) => {
    const mark = marks[index]
    if (!mark) return ''
    const { title, detail } = describeEvent(mark.event, speech)
    return `${format.clock(Date.parse(mark.event.at))} ${title}${detail ? `, ${detail}` : ''}`
  }
  return (
    <div className="ruler">
      <span className="num small t3">{format.timeInSentence(startedMs)}</span>
      <div
        className="trk"
        role="slider"
        tabIndex={0}
        aria-label={words.session.timeline}
        aria-valuemin={0}
        aria-valuemax={marks.length}
        aria-valuenow={at + 1}
        aria-valuetext={nameOf(at) || words.session.timeline}
        onKeyDown={(event) => {
          const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
          if (step === 0) return
          event.preventDefault()
          setAt(Math.min(marks.length - 1, Math.max(0, at + step)))
        }}
        onBlur={() => setAt(-1)}
      >
        <span className="past" style={{ width: past }} />
        {ticks.map((share) => (
          <span key={share} className="tick" style={{ left: `${share * 100}%` }} />
        ))}
        {marks.map((mark, index) => (
          <Tooltip key={mark.id} label={nameOf(index)} {...(at === index ? { opened: true } : {})}>
            <i className={`mark ${mark.kind} ${at === index ? 'at' : ''}`} style={{ left: `${mark.share * 100}%` }} />
          </Tooltip>
        ))}
        <span className="nowm" style={{ left: past }} />
      </div>
      <span className="num small t3">{format.timeInSentence(endsMs)}</span>
    </div>
  )
}
