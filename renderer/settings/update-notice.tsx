import { X } from 'lucide-react'
import { useState } from 'react'
import { useWindowState } from '../state.ts'
import { Button, IconButton } from '../ui/button.tsx'
import { useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'

/** Says once that a new version is here, and while it waits that it comes by itself. */
export function UpdateNotice() {
  const { words } = useSpeech()
  const { update } = useWindowState()
  const status = useStore(update.store)
  const [dismissed, setDismissed] = useState('')
  const text = words.update
  if (!status?.release || (status.state !== 'ready' && status.state !== 'waiting')) return null
  const key = `${status.release} ${status.state}`
  if (dismissed === key) return null
  const waits = status.state === 'waiting'
  return (
    <div className="notice">
      <span className="grow">
        {waits ? text.noticeWaiting(status.release) : text.notice(status.release)} {status.isRequired && text.required}
      </span>
      <Button onClick={() => update.act(waits ? 'postpone' : 'install')}>{waits ? text.postpone : text.restart}</Button>
      <IconButton icon={X} small label={words.ui.dismiss} onClick={() => setDismissed(key)} />
    </div>
  )
}
