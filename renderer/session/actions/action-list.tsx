import { type ActionName, actions } from '@gantry/shared/actions.ts'
import { Play, Wrench } from 'lucide-react'
import { useState } from 'react'
import { useCommands } from '../../palette/use-commands.ts'
import { Button } from '../../ui/button.tsx'
import { TextDialog } from '../../ui/dialog.tsx'
import { useSpeech } from '../../ui/language.tsx'
import type { ActionsControl } from './use-actions.ts'

/** The actions of the session's level. One that changes the device asks for a reason first. */
export function ActionList({ control, isShown }: { control: ActionsControl; isShown: boolean }) {
  const { words, language } = useSpeech()
  const text = words.session.actions
  const [asked, setAsked] = useState<ActionName | null>(null)
  const begin = (action: ActionName) => (actions[action].changes ? setAsked(action) : control.start(action, {}))
  useCommands(
    () => control.names.map((name) => ({ name: actions[name].title[language], detail: text.title, run: () => begin(name) })),
    isShown && control.run.kind !== 'running',
  )
  return (
    <div className="actions">
      <div className="ph">
        <Wrench className="i s" aria-hidden />
        <b className="grow">{text.title}</b>
      </div>
      <ul>
        {control.names.map((name) => {
          const isRunning = control.run.kind === 'running' && control.run.action === name
          return (
            <li key={name}>
              <span className="grow">
                <span className="et">{actions[name].title[language]}</span>
                <span className="es">{actions[name].changes ? text.changes : text.reads}</span>
              </span>
              <Button icon={Play} onClick={() => begin(name)} closedBecause={control.run.kind === 'running' ? text.running : undefined}>
                {isRunning ? text.running : text.run}
              </Button>
            </li>
          )
        })}
      </ul>
      {asked && <ReasonDialog action={asked} onClose={() => setAsked(null)} onRun={(reason) => control.start(asked, { reason })} />}
    </div>
  )
}

const leastReason = 3
const mostReason = 200

function ReasonDialog({ action, onRun, onClose }: { action: ActionName; onRun: (reason: string) => void; onClose: () => void }) {
  const { words, language } = useSpeech()
  const text = words.session.actions
  const run = (reason: string) => {
    if (reason.length < leastReason) return false
    onRun(reason)
    return true
  }
  const title = text.confirm(actions[action].title[language])
  return <TextDialog {...{ title, text: text.confirmText, label: text.reason, confirm: text.run, maxLength: mostReason, onDone: run, onClose }} />
}
