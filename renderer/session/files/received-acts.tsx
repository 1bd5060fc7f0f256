import type { Failure } from '@gantry/shared/errors.ts'
import type { Transfer } from '@gantry/shared/ipc.ts'
import { FolderOpen } from 'lucide-react'
import { call, failureOf } from '../../api.ts'
import { useWindowState } from '../../state.ts'
import { IconButton } from '../../ui/button.tsx'
import { CopyButton } from '../../ui/copy-button.tsx'
import { useSpeech } from '../../ui/language.tsx'
import { safeName } from '../../ui/safe-name.ts'

/** What dragging a finished download does, by keyboard: its folder in the file manager, and its path. */
export function ReceivedActs({ transfer: { id: transferId, name }, onFailure }: { transfer: Transfer; onFailure: (failure: Failure) => void }) {
  const { words } = useSpeech()
  const { about } = useWindowState()
  const text = words.session.transfers
  const fail = (error: unknown) => onFailure(failureOf(error))
  const place = async () => {
    const found = await call('transfer.place', { transferId }).catch(fail)
    return found?.path ?? null
  }
  return (
    <>
      <CopyButton small text={place} label={text.copyPath(safeName(name))} />
      {about.host === 'electron' && (
        <IconButton icon={FolderOpen} small label={text.showInFolder(safeName(name))} onClick={() => void call('transfer.show', { transferId }).catch(fail)} />
      )}
    </>
  )
}
