import type { DeviceId } from '@gantry/shared/ids.ts'
import { useSpeech } from '../ui/language.tsx'
import { useLine } from './rehearsal-band.tsx'
import type { RehearsalView } from './rehearsal-step.ts'
import { useRehearsal } from './use-rehearsal.ts'

/** What to do now, inside a dialog that lies over the band. */
export function RehearsalLine({ deviceId }: { deviceId: DeviceId }) {
  const { device, view } = useRehearsal()
  return view && view.step !== null && device?.id === deviceId ? <Line view={view} /> : null
}

function Line({ view }: { view: RehearsalView }) {
  const { words } = useSpeech()
  return (
    <p className="rehearsal-line" role="status">
      <b>{words.rehearsal.title}</b> {useLine(view)}
    </p>
  )
}
