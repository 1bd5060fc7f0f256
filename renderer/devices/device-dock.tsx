import type { DeviceRow } from '@gantry/shared/client-api.ts'
import { CornerDownLeft } from 'lucide-react'
import { PracticeTag } from '../rehearsal/practice-tag.tsx'
import { Button } from '../ui/button.tsx'
import { useSpeech } from '../ui/language.tsx'
import { openingOf } from './device-opening.ts'
import { type Around, tell } from './device-story.ts'

/** The chosen device at the foot of a narrow window, where there is no side panel. */
export function DeviceDock({
  device,
  around,
  offline,
  onOpen,
  onDetails,
}: {
  device: DeviceRow
  around: Around
  offline: boolean
  onOpen: () => void
  onDetails: () => void
}) {
  const speech = useSpeech()
  const { words, format } = speech
  const { side } = words.devices
  const opening = openingOf(device, offline, around)
  return (
    <div className="dock">
      <div className="grow c">
        <span className="row-x">
          <b className="cut">{device.name}</b>
          {device.practice && <PracticeTag />}
        </span>
        <span className="small t3 cut">{side.isThere(tell(device, around, speech).why, format.timeInSentence(around.nowMs, device.site.timeZone))}</span>
      </div>
      <Button size="lg" keys={words.ui.space} onClick={onDetails}>
        {side.show}
      </Button>
      <Button
        size="lg"
        look="primary"
        keys={<CornerDownLeft className="i" />}
        onClick={onOpen}
        closedBecause={opening.isClosed ? side.closed.offline : undefined}
      >
        {opening.kind === 'tab' ? side.openTab : opening.kind === 'request' ? side.showRequest : side.requestShort}
      </Button>
    </div>
  )
}
