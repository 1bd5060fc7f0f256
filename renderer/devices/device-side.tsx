import type { DeviceRow } from '@gantry/shared/client-api.ts'
import type { CallOutput } from '@gantry/shared/ipc.ts'
import { accessLevels } from '@gantry/shared/profile.ts'
import { Clock, CornerDownLeft, PanelRight, Star, X } from 'lucide-react'
import { type ReactNode, useEffect, useState } from 'react'
import { call } from '../api.ts'
import { PracticeTag } from '../rehearsal/practice-tag.tsx'
import { useWindowState } from '../state.ts'
import { Button, IconButton } from '../ui/button.tsx'
import { type Speech, useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'
import { ThreadPath } from '../ui/thread.tsx'
import { offline, threadOf } from '../ui/thread-model.ts'
import { ContactLine } from './contact-line.tsx'
import { openingOf } from './device-opening.ts'
import type { DeviceList } from './device-store.ts'
import { type Around, lastWord } from './device-story.ts'
import { RuleMark } from './rule-mark.tsx'

type SideProps = { device: DeviceRow; around: Around; list: DeviceList; isSheet: boolean; onOpen: () => void; onFavourite: () => void; onHide: () => void }

export function DeviceSide({ device, around, list, isSheet, onOpen, onFavourite, onHide }: SideProps) {
  const speech = useSpeech()
  const { words, format } = speech
  const { side } = words.devices
  const { favourites } = useStore(useWindowState().settings.store)
  const isFavourite = favourites.includes(device.id)
  const opening = openingOf(device, list.offline, around)
  const label = opening.kind === 'tab' ? side.openTab : opening.kind === 'request' ? side.showRequest : side.request
  return (
    <aside className={`side ${isSheet ? 'sheet' : ''}`} aria-label={side.label} data-region tabIndex={-1}>
      <div className="sh">
        <div className="row-x">
          <h2 className="cut">{device.name}</h2>
          {device.practice && <PracticeTag />}
          <span className="grow" />
          <IconButton
            icon={Star}
            look={isFavourite ? 'gold' : 'quiet'}
            label={isFavourite ? words.devices.unfavourite : words.devices.favourite}
            keys="F"
            isPressed={isFavourite}
            onClick={onFavourite}
          />
          <IconButton icon={isSheet ? X : PanelRight} label={side.hide} keys={words.ui.space} onClick={onHide} />
        </div>
        <p className="t2">{device.site.name}</p>
        <p className="mono small t3 cut idl selectable">{[device.model.name, device.serial, device.id].join(' · ')}</p>
      </div>
      <SidePath device={device} around={around} list={list} />
      <div className="acts">
        <Button
          size="lg"
          look="primary"
          grow
          keys={<CornerDownLeft className="i" />}
          onClick={onOpen}
          closedBecause={opening.isClosed ? side.closed.offline : undefined}
        >
          {label}
        </Button>
      </div>
      <Section title={side.rules}>
        {device.rules ? (
          <ul className="rules">
            {accessLevels.map((level) => (
              <li key={level}>
                <span className="grow">{words.levels[level].name}</span>
                {device.levels.includes(level) ? device.rules && <RuleMark rule={device.rules[level]} /> : <span className="small t3">{side.notYours}</span>}
              </li>
            ))}
          </ul>
        ) : (
          <p className="t3">{side.noRules}</p>
        )}
      </Section>
      <Section title={side.contact}>
        <ContactLine device={device} />
        <p className="small t2 row-x tz">
          <Clock className="i s" aria-hidden />
          {side.timeThere(format.timeInSentence(around.nowMs, device.site.timeZone))}
        </p>
      </Section>
      <Facts device={device} speech={speech} />
      <Shown device={device} nowMs={around.nowMs} />
    </aside>
  )
}

function SidePath({ device, around, list }: { device: DeviceRow; around: Around; list: DeviceList }) {
  const { words, format } = useSpeech()
  const { specialist } = useStore(useWindowState().signIn)
  const { side } = words.devices
  const thread = threadOf(device.reach)
  const last = lastWord(device, around.nowMs, list.offline)
  const places = [
    { name: side.you, detail: specialist?.city },
    { name: side.gantry },
    { name: side.site, detail: device.site.city },
    { name: side.device, detail: typeof last === 'number' ? side.ago(format.age(last)) : last === 'recent' ? side.recently : words.devices.lastWords[last] },
  ]
  return (
    <div className="hops">
      <ThreadPath look="side" label={side.path} thread={list.offline ? offline(thread) : thread} places={places} />
    </div>
  )
}

function Facts({ device, speech: { words, format } }: { device: DeviceRow; speech: Speech }) {
  const { side } = words.devices
  const { entitlement, openRequest } = device
  const facts: [string, string][] = [
    [side.customer, device.customer.name],
    [side.software, device.softwareVersion ?? side.unknown],
    [side.agent, device.agentVersion ?? side.unknown],
    [side.pickup, device.instantPickup ? side.instant : side.polled],
    [side.agreement, entitlement ? side.until(entitlement.name, format.date(entitlement.endsOn)) : side.none],
    [side.openRequest, openRequest ? (openRequest.mine ? side.you2 : openRequest.specialist) : side.none],
  ]
  return (
    <Section title={side.facts}>
      <dl>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="selectable">{value}</dd>
          </div>
        ))}
      </dl>
    </Section>
  )
}

/** What is asked for when a device is looked at. */
function Shown({ device, nowMs }: { device: DeviceRow; nowMs: number }) {
  const [shown, setShown] = useState<CallOutput<'device.show'> | null>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: read again when a session has begun or ended
  useEffect(() => {
    let isCurrent = true
    call('device.show', { deviceId: device.id }).then(
      (now) => isCurrent && setShown(now),
      () => undefined,
    )
    return () => {
      isCurrent = false
    }
  }, [device.id, device.reach.why])
  if (!shown) return null
  return (
    <>
      <Licences subscriptions={shown.subscriptions} nowMs={nowMs} />
      <LastSessions sessions={shown.sessions} />
    </>
  )
}

type Subscriptions = CallOutput<'device.show'>['subscriptions']
/** R011: what is subscribed to here, and whether the device holds it as licensed. */
function Licences({ subscriptions, nowMs }: { subscriptions: Subscriptions; nowMs: number }) {
  const { words, format } = useSpeech()
  const { side } = words.devices
  if (subscriptions.length === 0) return null
  const state = ({ from, until, inForce, reported }: Subscriptions[number]) => {
    if (inForce) return reported ? side.licensed(format.date(until)) : side.licensedSoon(format.date(until))
    if (reported) return side.licenceLeaving
    return Date.parse(from) > nowMs ? side.licenceAhead(format.date(from)) : side.licenceOver(format.date(until))
  }
  return (
    <Section title={side.subscriptions}>
      <dl>
        {subscriptions.map((one) => (
          <div key={`${one.feature} ${one.from}`}>
            <dt>{one.name}</dt>
            <dd className={one.inForce && one.reported ? '' : 't2'}>{state(one)}</dd>
          </div>
        ))}
      </dl>
    </Section>
  )
}

type Sessions = CallOutput<'device.show'>['sessions']
const shownSessions = 5

function LastSessions({ sessions }: { sessions: Sessions }) {
  const { words, format } = useSpeech()
  const { specialist } = useStore(useWindowState().signIn)
  const { side } = words.devices
  const line = (session: Sessions[number]) => {
    const isMine = session.specialist === specialist?.name
    const length =
      session.endedMs === null
        ? side.stillOpen
        : format.duration(Math.round((session.endedMs - session.startedMs) / 60_000) * 60_000 || session.endedMs - session.startedMs)
    const cause = session.cause && (session.cause === 'specialist' && !isMine ? side.by.colleague : side.by[session.cause])
    return (
      <li key={session.requestId}>
        <span className="num t3">{format.dayOf(session.startedMs)}</span>
        <span className="grow">{side.session(isMine ? side.you2 : session.specialist, words.levels[session.access].short, length)}</span>
        <span className={`small nowrap ${session.cause === 'person' ? 'c-danger' : 't3'}`}>{cause}</span>
      </li>
    )
  }
  return (
    <Section title={side.last}>
      {sessions.length === 0 ? <p className="t3">{side.noSessions}</p> : <ul className="last5">{sessions.slice(0, shownSessions).map(line)}</ul>}
    </Section>
  )
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h3 className="head">{title}</h3>
      {children}
    </section>
  )
}
