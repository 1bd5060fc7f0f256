import type { Transfer } from '@gantry/shared/ipc.ts'
import { PauseCircle } from 'lucide-react'
import { call } from '../../api.ts'
import { useWindowState } from '../../state.ts'
import { Button } from '../../ui/button.tsx'
import { FailureNote } from '../../ui/failure-note.tsx'
import { useSpeech } from '../../ui/language.tsx'
import { safeName } from '../../ui/safe-name.ts'
import { useStore } from '../../ui/store.ts'

/** Transfers that an earlier start of the app left: each waits for a session with its device, where it can go on. */
export function LeftBand() {
  const { words } = useSpeech()
  const { transfers, sessions } = useWindowState()
  const open = new Set(
    useStore(sessions.store)
      .filter(({ state }) => state === 'open')
      .map(({ device }) => device.id),
  )
  const failure = useStore(transfers.failure)
  const left = useStore(transfers.store).filter(({ waitsFor }) => waitsFor && !open.has(waitsFor.id))
  const text = words.session.transfers
  const remove = (these: readonly Transfer[]) => {
    for (const { id } of these)
      void call('transfer.cancel', { transferId: id }).then(
        () => transfers.forget([id]),
        () => undefined,
      )
  }
  return (
    <>
      {failure && (
        <div className="band" role="status">
          <span className="grow">
            <b>{text.unread}</b>
            <FailureNote failure={failure} tone="ink" />
          </span>
          <Button onClick={() => transfers.failure.set(null)}>{words.ui.close}</Button>
        </div>
      )}
      {byDevice(left).map(([device, of]) => (
        <div key={device.id} className="band" role="status">
          <PauseCircle className="i s" aria-hidden />
          <span className="grow cut">
            <b>{text.waitsFor(device.name)}</b> {of.map(({ name }) => safeName(name)).join(', ')}
          </span>
          <Button onClick={() => remove(of)}>{text.removeLeft(of.length)}</Button>
        </div>
      ))}
    </>
  )
}

type Device = NonNullable<Transfer['waitsFor']>

function byDevice(left: readonly Transfer[]): [Device, Transfer[]][] {
  const found = new Map<string, [Device, Transfer[]]>()
  for (const transfer of left) {
    const { waitsFor } = transfer
    if (!waitsFor) continue
    const group = found.get(waitsFor.id) ?? [waitsFor, []]
    group[1].push(transfer)
    found.set(waitsFor.id, group)
  }
  return [...found.values()]
}
