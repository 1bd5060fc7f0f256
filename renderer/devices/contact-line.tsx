import type { DeviceRow } from '@gantry/shared/client-api.ts'
import { CopyButton } from '../ui/copy-button.tsx'
import { useSpeech } from '../ui/language.tsx'

/** Who to call about a device, with the number to copy (design: made for a call). */
export function ContactLine({ device, detail }: { device: DeviceRow; detail?: string }) {
  const { words } = useSpeech()
  const { contact } = device
  if (!contact) return <p className="small t3">{words.devices.side.noContact}</p>
  return (
    <div className="row-x contact">
      <div className="grow">
        <p className="strong cut">{contact.name}</p>
        <p className="small t3">{detail ?? contact.role}</p>
      </div>
      <span className="mono num nowrap selectable">{contact.phone}</span>
      <CopyButton text={contact.phone} label={words.devices.side.copyPhone} />
    </div>
  )
}
