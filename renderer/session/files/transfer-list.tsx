import type { Failure } from '@gantry/shared/errors.ts'
import { type CallInput, type SessionView, type Transfer, transferLimits } from '@gantry/shared/ipc.ts'
import { UnstyledButton } from '@mantine/core'
import { ArrowDown, ArrowUp, BadgeCheck, CircleAlert, Pause, Play, RotateCcw, X } from 'lucide-react'
import { call, knownFailure } from '../../api.ts'
import { useWindowState } from '../../state.ts'
import { IconButton } from '../../ui/button.tsx'
import { useSpeech } from '../../ui/language.tsx'
import { safeName } from '../../ui/safe-name.ts'
import { SafeName } from '../../ui/safe-text.tsx'
import { useStore } from '../../ui/store.ts'
import { ReceivedActs } from './received-acts.tsx'
import { belongsTo, isOver, isReceived } from './transfer-store.ts'
import type { DragOut } from './use-drag-out.ts'

type Start = CallInput<'transfer.start'>

type Doing = { onStart: (input: Start) => void; onFailure: (failure: Failure) => void; dragOut: DragOut | null }

export function TransferList({ session, ...doing }: { session: SessionView } & Doing) {
  const { words } = useSpeech()
  const { transfers } = useWindowState()
  const mine = useStore(transfers.store).filter(belongsTo(session))
  if (mine.length === 0) return null
  const over = mine.filter(isOver)
  const paused = mine.filter(({ state }) => state === 'paused')
  const count = (...states: Transfer['state'][]) => mine.filter(({ state }) => states.includes(state)).length
  const text = words.session.transfers
  return (
    <div className="transfers">
      <div className="qh head">
        <span className="grow cut" role="status">
          {`${text.title}: ${text.summary(count('running', 'waiting', 'verifying'), count('queued'), mine.filter(({ verified }) => verified).length)}`}
        </span>
        {paused.length > 1 && (
          <UnstyledButton className="link small" onClick={() => goOnWith(paused)}>
            {text.resumeAll}
          </UnstyledButton>
        )}
        <Limit />
        {over.length > 0 && (
          <UnstyledButton className="link small" onClick={() => transfers.forget(over.map(({ id }) => id))}>
            {text.clear}
          </UnstyledButton>
        )}
      </div>
      <ul className="queue">
        {mine.toReversed().map((transfer) => (
          <TransferLine key={transfer.id} transfer={transfer} {...doing} />
        ))}
      </ul>
    </div>
  )
}

function goOnWith(paused: readonly Transfer[]): void {
  for (const { id } of paused) setPaused(id, false)
}

function setPaused(transferId: string, paused: boolean): void {
  void call('transfer.pause', { transferId, paused }).catch(() => undefined)
}

/** One for all transfers of this computer, so it is shown with those of each session. */
function Limit() {
  const { words, format } = useSpeech()
  const { settings } = useWindowState()
  const text = words.session.transfers
  const limit = useStore(settings.store).transferBytesPerSecond
  const choose = (chosen: string) => settings.change({ transferBytesPerSecond: transferLimits.find((one) => String(one) === chosen) ?? null })
  return (
    <select className="q-limit small" aria-label={text.limit} title={text.limit} value={String(limit)} onChange={(event) => choose(event.target.value)}>
      {[null, ...transferLimits].map((one) => (
        <option key={String(one)} value={String(one)}>
          {one === null ? text.noLimit : format.rate(one)}
        </option>
      ))}
    </select>
  )
}

function TransferLine({ transfer, onStart, onFailure, dragOut }: { transfer: Transfer } & Doing) {
  const { words } = useSpeech()
  const { transfers } = useWindowState()
  const text = words.session.transfers
  const { id, name, direction, state, bytes, totalBytes } = transfer
  const shown = safeName(name)
  const canDrag = dragOut !== null && isReceived(transfer)
  const Arrow = direction === 'put' ? ArrowUp : ArrowDown
  const share = totalBytes ? bytes / totalBytes : state === 'done' ? 1 : 0
  const again = (replace: boolean) => {
    transfers.forget([id])
    onStart({ requestId: transfer.requestId, direction, from: [transfer.from], to: transfer.to, replace })
  }
  return (
    <li
      className={state}
      draggable={canDrag}
      // Else the pane would take the focus at the press and give it to a list, which ends a drag before it begins.
      tabIndex={canDrag ? -1 : undefined}
      title={canDrag ? text.drag.hint : undefined}
      onDragStart={canDrag ? (event) => dragOut?.received(event, id) : undefined}
    >
      <span className="row-x">
        <Arrow className="i s t3" aria-hidden />
        <SafeName name={name} className="cut strong" />
      </span>
      <span
        className="pb"
        role="progressbar"
        aria-label={text.progressLabel(shown)}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.floor(share * 100)}
      >
        <i style={{ transform: `scaleX(${share})` }} />
      </span>
      <span className="num small t2 qm cut">
        <Progress transfer={transfer} />
      </span>
      <TransferState transfer={transfer} />
      <span className="row-x q-acts">
        {state === 'failed' && transfer.failure?.code === 'file.exists' && (
          <UnstyledButton className="link small" onClick={() => again(true)}>
            {text.replace}
          </UnstyledButton>
        )}
        {(state === 'failed' || state === 'cancelled') && <IconButton icon={RotateCcw} small label={text.retry(shown)} onClick={() => again(false)} />}
        {(state === 'queued' || state === 'running' || state === 'waiting') && (
          <IconButton icon={Pause} small label={text.pause(shown)} onClick={() => setPaused(id, true)} />
        )}
        {state === 'paused' && <IconButton icon={Play} small label={text.resume(shown)} onClick={() => setPaused(id, false)} />}
        {isReceived(transfer) && <ReceivedActs transfer={transfer} onFailure={onFailure} />}
        {isOver(transfer) ? (
          <IconButton icon={X} small label={text.forget(shown)} onClick={() => transfers.forget([id])} />
        ) : (
          <IconButton icon={X} small label={text.cancel(shown)} onClick={() => void call('transfer.cancel', { transferId: id }).catch(() => undefined)} />
        )}
      </span>
    </li>
  )
}

function Progress({ transfer: { state, bytes, totalBytes, bytesPerSecond, files, filesDone } }: { transfer: Transfer }) {
  const { words, format } = useSpeech()
  const text = words.session.transfers
  if (state === 'queued') return null
  const amount = totalBytes === null || state === 'done' ? format.bytes(bytes) : text.progress(...format.bytesOf(bytes, totalBytes))
  const left = totalBytes !== null && bytesPerSecond > 0 ? format.duration(((totalBytes - bytes) / bytesPerSecond) * 1_000) : null
  const speed = state === 'running' && left !== null ? text.speed(format.rate(bytesPerSecond), left) : null
  const many = files > 1 ? text.files(format.number(filesDone), format.number(files)) : null
  return [amount, speed, many].filter(Boolean).join(', ')
}

function TransferState({ transfer: { state, direction, verified, failure, waitsFor } }: { transfer: Transfer }) {
  const { words, explain } = useSpeech()
  const { states, verified: proof } = words.session.transfers
  if (state === 'failed' && failure) {
    const { what, todo } = explain(knownFailure(failure))
    return (
      <span className="row-x small qs c-danger" role="alert" title={`${what} ${todo} (${failure.code})`}>
        <CircleAlert className="i s" aria-hidden />
        <span className="cut">{what}</span>
      </span>
    )
  }
  if (state === 'done' && verified) {
    return (
      <span className="row-x small qs" title={proof}>
        <BadgeCheck className="i s c-live" aria-hidden />
        <span className="cut">{states.done}</span>
      </span>
    )
  }
  if (waitsFor)
    return (
      <span className="small qs cut t3" title={words.session.transfers.left}>
        {words.session.transfers.left}
      </span>
    )
  const word = state === 'running' ? states[direction] : state === 'done' ? states.doneUnverified : states[state]
  return <span className={`row-x small qs ${state === 'running' || state === 'verifying' ? 'c-live' : 't3'}`}>{word}</span>
}
