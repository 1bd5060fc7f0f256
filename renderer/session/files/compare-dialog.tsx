import type { CompareRow } from '@gantry/shared/compare-calls.ts'
import type { Failure } from '@gantry/shared/errors.ts'
import type { RequestId } from '@gantry/shared/ids.ts'
import type { CallOutput } from '@gantry/shared/ipc.ts'
import { useCallback, useEffect, useState } from 'react'
import { call, failureOf } from '../../api.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { FailureNote } from '../../ui/failure-note.tsx'
import { useSpeech } from '../../ui/language.tsx'
import { SafeName } from '../../ui/safe-text.tsx'
import { type Direction, type GroupName, planOf } from './compare-plan.ts'

type CompareProps = { requestId: RequestId; local: string; remote: string; onClose: () => void }
type Found = CallOutput<'compare.start'>

/** Two folders, what they have not in common, and what would be done about it: nothing is done before the person says so. */
export function CompareDialog({ requestId, local, remote, onClose }: CompareProps) {
  const { words, format } = useSpeech()
  const text = words.session.compare
  const { found, failure, isRunning, compare, setFailure } = useComparison({ requestId, local, remote })
  const [direction, setDirection] = useState<Direction>('put')
  const [removes, setRemoves] = useState(false)
  const [left, setLeft] = useState<ReadonlySet<number>>(new Set())
  const [removed, setRemoved] = useState<{ removed: number; notRemoved: number } | null>(null)
  const isOpen = found?.directions[direction] === true
  const plan = planOf(found?.rows ?? [], direction, removes)
  const chosen = (rows: readonly number[]) => rows.filter((at) => !left.has(at))
  const [copy, remove] = [chosen([...plan.copy, ...plan.replace]), chosen(plan.remove)]
  const same = format.number(plan.same)
  const apply = () => {
    if (!found) return
    call('compare.apply', { compareId: found.compareId, direction, copy, remove }).then(
      (done) => (done.notRemoved > 0 ? setRemoved(done) : onClose()),
      (error) => setFailure(failureOf(error)),
    )
  }
  const toggle = (at: number) => setLeft((now) => new Set(now.has(at) ? [...now].filter((one) => one !== at) : [...now, at]))
  const turn = (to: Direction) => {
    setDirection(to)
    setRemoves(false)
    setLeft(new Set())
  }
  return (
    <Dialog title={text.title} onClose={onClose} width={760} className="compare">
      <div className="confirm">
        <h1>{text.title}</h1>
        <p className="t2 cut">
          <SafeName name={text.folders(local, remote)} />
        </p>
        <fieldset className="row-x">
          <legend className="sr">{text.direction}</legend>
          <div className="seg">
            {(['put', 'get'] as const).map((one) => (
              <label key={one} className={direction === one ? 'on' : ''}>
                <input type="radio" name="compare-direction" className="sr" checked={direction === one} onChange={() => turn(one)} />
                <span>{text.directions[one]}</span>
              </label>
            ))}
          </div>
        </fieldset>
        {failure && <FailureNote failure={failure} tone="ink" />}
        <p className="t2" role="status">
          {isRunning && text.running}
          {!isRunning && removed && text.applied(format.number(removed.removed), format.number(removed.notRemoved))}
          {!isRunning && !removed && found && !isOpen && <span className="c-wait">{text.closed}</span>}
          {!isRunning && !removed && found && isOpen && (copy.length + remove.length + plan.refused.length === 0 ? text.none(same) : text.same(same))}
        </p>
        {found?.stopped && <p className="c-wait">{text.stopped[found.stopped]}</p>}
        {found !== null && found.skipped > 0 && <p className="t3 small">{text.skipped(format.number(found.skipped))}</p>}
        {found && isOpen && !isRunning && !removed && (
          <>
            <label className="row-x">
              <input type="checkbox" checked={removes} onChange={(event) => setRemoves(event.target.checked)} />
              {text.remove[direction]}
            </label>
            {(['copy', 'replace', 'remove', 'refused'] as const).map((name) => (
              <Group key={name} name={name} rows={plan[name]} of={found.rows} left={left} onToggle={toggle} />
            ))}
          </>
        )}
      </div>
      <div className="dlg-foot">
        {isRunning ? (
          <Button size="lg" onClick={() => void call('compare.stop', { requestId }).catch(() => undefined)}>
            {text.stop}
          </Button>
        ) : (
          <Button size="lg" onClick={() => compare(true)}>
            {text.contents}
          </Button>
        )}
        <span className="grow" />
        <Button size="lg" keys={words.ui.esc} onClick={onClose} autoFocus>
          {words.ui.close}
        </Button>
        {found && isOpen && !isRunning && !removed && copy.length + remove.length > 0 && (
          <Button size="lg" look={remove.length > 0 ? 'end' : 'primary'} onClick={apply}>
            {text.apply(format.number(copy.length), format.number(remove.length))}
          </Button>
        )}
      </div>
    </Dialog>
  )
}

function useComparison({ requestId, local, remote }: Omit<CompareProps, 'onClose'>) {
  const [found, setFound] = useState<Found | null>(null)
  const [failure, setFailure] = useState<Failure | null>(null)
  const [isRunning, setRunning] = useState(true)
  const compare = useCallback(
    (digests: boolean) => {
      setRunning(true)
      setFailure(null)
      call('compare.start', { requestId, local, remote, digests })
        .then(setFound, (error: unknown) => setFailure(failureOf(error)))
        .finally(() => setRunning(false))
    },
    [requestId, local, remote],
  )
  useEffect(() => {
    compare(false)
    return () => void call('compare.stop', { requestId }).catch(() => undefined)
  }, [compare, requestId])
  return { found, failure, isRunning, compare, setFailure }
}

type GroupProps = { name: GroupName; rows: readonly number[]; of: readonly CompareRow[]; left: ReadonlySet<number>; onToggle: (at: number) => void }

function Group({ name, rows, of, left, onToggle }: GroupProps) {
  const { words, format } = useSpeech()
  const text = words.session.compare
  if (rows.length === 0) return null
  const facts = (side: CompareRow['here']) => side && text.facts(format.bytes(side.size), format.dayOf(side.modifiedMs))
  return (
    <section>
      <h2 className="head">{text.group(text.groups[name], format.number(rows.length))}</h2>
      <ul className={`compare-rows ${name === 'remove' ? 'c-danger' : ''}`}>
        {rows.map((at) => {
          const row = of[at]
          if (!row) return null
          const line = (
            <>
              <SafeName name={row.path} className="cut grow" />
              <span className="small t3 num">{row.kind === 'folder' ? text.folder : [facts(row.here), facts(row.there)].filter(Boolean).join(' / ')}</span>
            </>
          )
          return (
            <li key={at}>
              {name === 'refused' ? (
                <span className="row-x">{line}</span>
              ) : (
                <label className="row-x">
                  <input type="checkbox" checked={!left.has(at)} onChange={() => onToggle(at)} />
                  {line}
                </label>
              )}
            </li>
          )
        })}
      </ul>
    </section>
  )
}
