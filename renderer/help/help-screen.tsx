import type { WindowWords } from '@gantry/shared/words/window.ts'
import { RehearsalHelp } from '../rehearsal/rehearsal-help.tsx'
import { useWindowState } from '../state.ts'
import { CopyButton } from '../ui/copy-button.tsx'
import { useKeyLabel } from '../ui/key-label.ts'
import { useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'
import { SupportBundle } from './support-bundle.tsx'

type Does = keyof WindowWords['help']['does']
type Group = keyof WindowWords['help']['groups']
const keys: Record<Group, [string, Does][]> = {
  everywhere: [
    ['Ctrl K', 'palette'],
    ['Ctrl 1…9', 'tab'],
    ['Ctrl Tab', 'nextTab'],
    ['Ctrl Shift T', 'reopen'],
    ['F6', 'region'],
    ['Esc', 'close'],
    ['?', 'keys'],
  ],
  devices: [
    ['/', 'search'],
    ['↑ ↓', 'rows'],
    ['Enter', 'ask'],
    ['Space', 'details'],
    ['F', 'favourite'],
    ['Ctrl S', 'saveView'],
  ],
  request: [
    ['Ctrl Enter', 'send'],
    ['Esc', 'close'],
  ],
  session: [
    ['Alt 1 2 3', 'panes'],
    ['Ctrl Shift D', 'split'],
    ['Ctrl Shift L', 'turn'],
    ['Ctrl Shift F', 'find'],
    ['Ctrl Shift S', 'snippets'],
    ['Ctrl Shift C  V', 'copyPaste'],
    ['Ctrl Shift A', 'copyColours'],
    ['Ctrl Shift X', 'reset'],
    ['Ctrl Shift M', 'moreTime'],
    ['Ctrl Shift E', 'end'],
  ],
  files: [
    ['F5', 'transfer'],
    ['F2', 'rename'],
    ['Delete', 'remove'],
    ['Backspace', 'up'],
    ['Shift ↑ ↓', 'mark'],
  ],
}

/** Who to call, and all keys. */
export function HelpScreen() {
  const { words } = useSpeech()
  const { about, signIn } = useWindowState()
  const { supportContacts } = useStore(signIn)
  const text = words.help
  const keyLabel = useKeyLabel()
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is in reach of the keyboard (WCAG 2.1.1)
    <main className="screen" aria-labelledby="help-title" data-region tabIndex={0}>
      <header>
        <h1 id="help-title">{text.title}</h1>
      </header>
      <h2 className="head">{text.contacts}</h2>
      {supportContacts.length === 0 && <p className="t3">{text.noContacts}</p>}
      <ul className="stores">
        {supportContacts.map(({ region, phone, mail }) => (
          <li key={region}>
            <span className="strong grow">{region}</span>
            <span className="mono num selectable">{phone}</span>
            <CopyButton text={phone} />
            <span className="mono selectable">{mail}</span>
            <CopyButton text={mail} />
          </li>
        ))}
      </ul>
      <SupportBundle />
      <RehearsalHelp />
      <h2 className="head keys-head">{text.keys}</h2>
      <div className="keys">
        {(Object.keys(keys) as Group[]).map((group) => (
          <section key={group}>
            <h3 className="strong">{text.groups[group]}</h3>
            <dl>
              {keys[group].map(([key, does]) => (
                <div key={key}>
                  <dt>
                    <kbd>{keyLabel(key)}</kbd>
                  </dt>
                  <dd>{text.does[does]}</dd>
                </div>
              ))}
            </dl>
            {group === 'files' && <p className="small t2">{text.dragging[about.host]}</p>}
          </section>
        ))}
      </div>
    </main>
  )
}
