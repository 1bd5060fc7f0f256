import type { Failure } from '@gantry/shared/errors.ts'
import type { SessionView } from '@gantry/shared/ipc.ts'
import { Hourglass } from 'lucide-react'
import { useState } from 'react'
import { call, failureOf } from '../api.ts'
import { useCommands } from '../palette/use-commands.ts'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog, FailureDialog } from '../ui/dialog.tsx'
import { useKeys } from '../ui/keys.ts'
import { useSpeech } from '../ui/language.tsx'

const choices = [15, 30, 60] as const

/** More time is a question to the person at the device, asked while the session goes on; a no is said here, and ends nothing. */
export function MoreTime({ session, isShown, hasKeys }: { session: SessionView; isShown: boolean; hasKeys: boolean }) {
  const { words } = useSpeech()
  const text = words.session
  const [isOpen, setOpen] = useState(false)
  const [minutes, setMinutes] = useState<number>(choices[0])
  const [failure, setFailure] = useState<Failure | null>(null)
  useKeys({ 'Ctrl+Shift+M': () => setOpen(true) }, hasKeys)
  useCommands(() => [session.asksMinutes === null && { name: words.help.does.moreTime, keys: 'Ctrl ⇧ M', run: () => setOpen(true) }], isShown)
  const ask = () => {
    setOpen(false)
    setFailure(null)
    call('session.ask-time', { requestId: session.requestId, minutes }).catch((error: unknown) => setFailure(failureOf(error)))
  }
  if (session.asksMinutes !== null)
    return (
      <span className="row-x small c-wait" role="status">
        <Hourglass className="i s" aria-hidden />
        {text.moreTimeAsked(session.asksMinutes)}
      </span>
    )
  return (
    <>
      <Button size="lg" icon={Hourglass} keys="Ctrl ⇧ M" onClick={() => setOpen(true)}>
        {text.moreTime}
      </Button>
      {failure && <FailureDialog title={text.moreTime} failure={failure} onClose={() => setFailure(null)} />}
      {isOpen && (
        <ConfirmDialog
          title={text.moreTime}
          text={session.approvedBy === 'person' ? text.moreTimeText(session.device.name) : text.moreTimePolicy(session.device.name)}
          confirm={text.moreTimeAsk}
          onConfirm={ask}
          onClose={() => setOpen(false)}
        >
          <fieldset>
            <legend className="sr">{text.moreTime}</legend>
            <div className="seg">
              {choices.map((choice) => (
                <label key={choice} className={minutes === choice ? 'on' : ''}>
                  <input type="radio" name="more-minutes" className="sr" checked={minutes === choice} onChange={() => setMinutes(choice)} />
                  <span>{text.moreTimeMinutes(choice)}</span>
                </label>
              ))}
            </div>
          </fieldset>
        </ConfirmDialog>
      )}
    </>
  )
}
