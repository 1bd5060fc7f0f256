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
export function ElsewhereBands() {
  const { elsewhere } = useStore(useWindowState().signIn)
  const [mine, setMine] = useState<readonly string[]>([])
  const unknown = elsewhere.filter(({ place }) => !mine.includes(place))
  return unknown.map((place) => <ElsewhereBand key={place.place} place={place} onMine={() => setMine((now) => [...now, place.place])} />)
}

function ElsewhereBand({ place: { place, beganMs, address, system }, onMine }: { place: Place; onMine: () => void }) {
  const { words, format } = useSpeech()
  const [ending, setEnding] = useState<'idle' | 'busy' | ReturnType<typeof failureOf>>('idle')
  const text = words.shell
  const end = () => {
    setEnding('busy')
    call('sign-in.end-elsewhere', { place }).catch((error) => setEnding(failureOf(error)))
  }
  return (
    <div className="band" role="status">
      <MonitorSmartphone className="i s" aria-hidden />
      <span className="grow">
        <b>{text.elsewhere(format.timeInSentence(beganMs), text.elsewhereFrom(address, system))}</b> {text.elsewhereText}
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
