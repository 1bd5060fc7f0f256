import type { Failure } from '@gantry/shared/errors.ts'
import type { SessionView } from '@gantry/shared/ipc.ts'
import { Hourglass, ShieldAlert } from 'lucide-react'
import { useState } from 'react'
import { call, failureOf } from '../api.ts'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog, FailureDialog } from '../ui/dialog.tsx'
import { useSpeech } from '../ui/language.tsx'

/** What may hold patient data opens by a yes of its own, at the device; a no is said here, and ends nothing. Not there on devices that keep nothing shut. */
export function Restricted({ session: { requestId, device, restricted } }: { session: SessionView }) {
  const { words } = useSpeech()
  const text = words.session
  const [isOpen, setOpen] = useState(false)
  const [failure, setFailure] = useState<Failure | null>(null)
  if (restricted.paths.length === 0) return null
  const ask = () => {
    setOpen(false)
    setFailure(null)
    call('session.ask-restricted', { requestId }).catch((error: unknown) => setFailure(failureOf(error)))
  }
  if (restricted.state !== 'shut') {
    const Sign = restricted.state === 'open' ? ShieldAlert : Hourglass
    return (
      <span className="row-x small c-wait" role="status">
        <Sign className="i s" aria-hidden />
        {restricted.state === 'open' ? text.restrictedOpen : text.restrictedAsked}
      </span>
    )
  }
  return (
    <>
      <Button size="lg" icon={ShieldAlert} onClick={() => setOpen(true)}>
        {text.restricted}
      </Button>
      {failure && <FailureDialog title={text.restricted} failure={failure} onClose={() => setFailure(null)} />}
      {isOpen && (
        <ConfirmDialog
          title={text.restricted}
          text={text.restrictedText(device.name, restricted.paths.join(', '))}
          confirm={text.restrictedAsk}
          onConfirm={ask}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  )
}
