import { Modal } from '@mantine/core'
import { call } from '../api.ts'
import { useWindowState } from '../state.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'
import { BrowserLink } from './browser-link.tsx'

/** The person is asked for both factors again, in the browser. Esc gives it up, and with it what waits for it. */
export function ConfirmDialog() {
  const { words } = useSpeech()
  const { link } = useStore(useWindowState().signIn)
  const { title, text } = words.signIn.confirm.os
  const cancel = () => void call('sign-in.cancel', {}).catch(() => undefined)
  return (
    <Dialog title={title} onClose={cancel} width={520}>
      <div className="confirm" role="status">
        <Modal.Title component="h1">{title}</Modal.Title>
        <p className="t2">{text}</p>
        {link && <BrowserLink link={link} />}
      </div>
      <div className="dlg-foot">
        <span className="grow" />
        <Button size="lg" onClick={cancel} keys={words.ui.esc} autoFocus>
          {words.signIn.cancel}
        </Button>
      </div>
    </Dialog>
  )
}
