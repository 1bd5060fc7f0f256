import type { DeviceId } from '@gantry/shared/ids.ts'
import { useWindowState } from '../state.ts'
import { useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'

/** Beside the name of a practice device, wherever it stands. */
export function PracticeTag() {
  const { words } = useSpeech()
  return (
    <span className="tag practice" title={words.rehearsal.markTitle}>
      {words.rehearsal.mark}
    </span>
  )
}

/** The same, where only the device's id is known: nothing beside any other device. */
export function PracticeTagOf({ deviceId }: { deviceId: DeviceId }) {
  const { devices } = useStore(useWindowState().devices.store)
  return devices.some(({ id, practice }) => id === deviceId && practice) ? <PracticeTag /> : null
}
