import type { SignInState } from '@gantry/shared/ipc.ts'
import { UnstyledButton } from '@mantine/core'
import { MonitorSmartphone } from 'lucide-react'
import { useState } from 'react'
import { call, failureOf } from '../api.ts'
import { useWindowState } from '../state.ts'
import { FailureNote } from '../ui/failure-note.tsx'
import { useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'

type Place = SignInState['elsewhere'][number]

/** R068: where else the person is signed in, until they say that it is them, or end it. */
export function ElsewhereBand() {
  const { elsewhere } = useStore(useWindowState().signIn)
  const [mine, setMine] = useState<readonly string[]>([])
  const unknown = elsewhere.filter(({ place }) => !mine.includes(place))
  const [newest, ...more] = unknown
  if (!newest) return null
  return <Band newest={newest} more={more} onMine={() => setMine((now) => [...now, ...unknown.map(({ place }) => place)])} />
}

/** One line, however many there are. */
function Band({ newest, more, onMine }: { newest: Place; more: readonly Place[]; onMine: () => void }) {
  const { words, format } = useSpeech()
  const [ending, setEnding] = useState<'idle' | 'busy' | ReturnType<typeof failureOf>>('idle')
  const text = words.shell
  const { beganMs, address, system } = newest
  const end = () => {
    setEnding('busy')
    Promise.all([newest, ...more].map(({ place }) => call('sign-in.end-elsewhere', { place }))).then(
      () => setEnding('idle'),
      (error) => setEnding(failureOf(error)),
    )
  }
  return (
    <div className="band" role="status">
      <MonitorSmartphone className="i s" aria-hidden />
      <span className="grow">
        <b>{text.elsewhere(format.timeInSentence(beganMs), text.elsewhereFrom(address, system))}</b> {more.length > 0 && `${text.elsewhereMore(more.length)} `}
        {text.elsewhereText}
        {typeof ending === 'object' && <FailureNote failure={ending} />}
      </span>
      <UnstyledButton className="link" onClick={onMine}>
        {text.elsewhereMine}
      </UnstyledButton>
      <UnstyledButton className="link" disabled={ending === 'busy'} onClick={end}>
        {text.elsewhereEnd}
      </UnstyledButton>
    </div>
  )
}
