import type { SessionView } from '@gantry/shared/ipc.ts'
import { includesLevel } from '@gantry/shared/profile.ts'
import { UnstyledButton } from '@mantine/core'
import { Activity, Folder, type LucideIcon, SquareTerminal, Wrench, X } from 'lucide-react'
import { type CSSProperties, useState } from 'react'
import { useWindowState } from '../state.ts'
import { IconButton } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { useKeys } from '../ui/keys.ts'
import { useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'
import { ActionAnswer } from './actions/action-answer.tsx'
import { ActionList } from './actions/action-list.tsx'
import { type ActionsControl, useActions } from './actions/use-actions.ts'
import { ActivityPane } from './activity/activity-pane.tsx'
import { FilesPane } from './files/files-pane.tsx'
import { PaneDivider } from './pane-divider.tsx'
import { paneLayoutOf, withPaneLayout } from './pane-layout.ts'
import { Terminals } from './terminal/terminals.tsx'

type Pane = 'terminal' | 'files' | 'report' | 'activity'

/** Which panes a level has: each holds those before it (architecture 2.8). */
export function panesOf(access: SessionView['access']): Pane[] {
  const has = (level: SessionView['access']) => includesLevel(access, level)
  return [...(has('application') ? (['terminal'] as const) : []), ...(has('files') ? (['files'] as const) : (['report'] as const)), 'activity']
}

/** `hasKeys`: shown, and no dialog over it. */
export function SessionPanes({ session, isShown, hasKeys }: { session: SessionView; isShown: boolean; hasKeys: boolean }) {
  const panes = panesOf(session.access)
  const [chosen, setChosen] = useState<Pane>(panes[0] ?? 'activity')
  const [maximised, setMaximised] = useState<Pane | null>(null)
  const control = useActions(session)
  const { settings } = useWindowState()
  const kept = useStore(settings.store).layout
  const layout = paneLayoutOf(kept)
  const setLayout = (part: Partial<typeof layout>) => settings.change({ layout: withPaneLayout(kept, { ...layout, ...part }) })
  const toggle = (pane: Pane) => setMaximised(maximised === pane ? null : pane)
  const show = (pane: Pane) => {
    if (!panes.includes(pane)) return
    setChosen(pane)
    setMaximised(maximised === null || maximised === pane ? maximised : null)
    requestAnimationFrame(() => document.querySelector<HTMLElement>(`[data-session="${session.requestId}"] ${selectors[pane]}`)?.focus())
  }
  useKeys(
    { 'Alt+1': () => show(panes[0] ?? 'activity'), 'Alt+2': () => show(panes.includes('files') ? 'files' : 'report'), 'Alt+3': () => show('activity') },
    hasKeys,
  )
  const isPane = (pane: Pane) => panes.includes(pane)
  return (
    <>
      <PaneTabs session={session} panes={panes} chosen={chosen} onChoose={show} />
      <div
        className={`panes ${panes.join('-')}`}
        data-chosen={chosen}
        data-maximised={maximised ?? undefined}
        data-beside={layout.isBeside || undefined}
        style={{ '--share': `${layout.sharePercent}%`, '--part': layout.sharePercent / 100 } as CSSProperties}
      >
        {isPane('terminal') && (
          <Terminals
            session={session}
            isShown={isShown}
            hasKeys={hasKeys}
            isMaximised={maximised === 'terminal'}
            onMaximise={() => toggle('terminal')}
            isBeside={layout.isBeside}
            onTurn={() => setLayout({ isBeside: !layout.isBeside })}
          />
        )}
        {isPane('files') && <FilesPane session={session} isShown={isShown} isMaximised={maximised === 'files'} onMaximise={() => toggle('files')} />}
        {isPane('terminal') && maximised === null && <PaneDivider layout={layout} onShare={(sharePercent) => setLayout({ sharePercent })} />}
        {isPane('report') && <ReportPane control={control} isShown={isShown} />}
        <div className="rightcol">
          <ActivityPane session={session} />
          {!isPane('report') && <ActionList control={control} isShown={isShown} />}
        </div>
      </div>
      {!isPane('report') && control.run.kind !== 'idle' && control.run.kind !== 'running' && <AnswerDialog control={control} />}
    </>
  )
}

const selectors: Record<Pane, string> = { terminal: '.termp[data-active]', files: '.filesp', report: '.reportp', activity: '.actp' }
const icons: Record<Pane, LucideIcon> = { terminal: SquareTerminal, files: Folder, report: Wrench, activity: Activity }

function PaneTabs({ session, panes, chosen, onChoose }: { session: SessionView; panes: readonly Pane[]; chosen: Pane; onChoose: (pane: Pane) => void }) {
  const { words, format } = useSpeech()
  const running = useStore(useWindowState().transfers.store).filter(({ requestId, state }) => requestId === session.requestId && state === 'running')
  const share =
    running.reduce((sum, { bytes }) => sum + bytes, 0) /
    Math.max(
      1,
      running.reduce((sum, { totalBytes }) => sum + (totalBytes ?? 0), 0),
    )
  const text = words.session
  const names: Record<Pane, string> = { terminal: text.terminal.title, files: text.files.title, report: text.actions.title, activity: text.activity.title }
  return (
    <div className="panetabs" role="tablist" aria-label={text.panes}>
      {panes.map((pane) => {
        const Icon = icons[pane]
        return (
          <UnstyledButton key={pane} role="tab" aria-selected={chosen === pane} onClick={() => onChoose(pane)}>
            <Icon className="i s" aria-hidden />
            {names[pane]}
            {pane === 'files' && running.length > 0 && <span className="num c-live">{format.percent(share)}</span>}
          </UnstyledButton>
        )
      })}
    </div>
  )
}

/** At the level `diagnostics` the answer has the room of the other panes. */
function ReportPane({ control, isShown }: { control: ActionsControl; isShown: boolean }) {
  const { words } = useSpeech()
  return (
    <section className="pane reportp" aria-label={words.session.actions.title} data-region tabIndex={-1}>
      <ActionList control={control} isShown={isShown} />
      <div className="reportp-body">
        <ActionAnswer control={control} />
      </div>
    </section>
  )
}

function AnswerDialog({ control }: { control: ActionsControl }) {
  const { words } = useSpeech()
  const title = words.session.actions.title
  return (
    <Dialog title={title} onClose={control.clear} width={760} closesOutside>
      <span className="close">
        <IconButton icon={X} label={words.ui.close} keys={words.ui.esc} onClick={control.clear} />
      </span>
      <ActionAnswer control={control} />
    </Dialog>
  )
}
