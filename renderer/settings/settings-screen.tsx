// biome-ignore-all lint/a11y/useSemanticElements: a fieldset has a look and a layout of its own
import type { Settings } from '@gantry/shared/ipc.ts'
import { Minus, Plus } from 'lucide-react'
import { type ReactNode, useId } from 'react'
import { useWindowState } from '../state.ts'
import { IconButton } from '../ui/button.tsx'
import { useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'
import { KeysSection } from './keys-section.tsx'
import { UpdateSection } from './update-section.tsx'

export function SettingsScreen() {
  const { words } = useSpeech()
  const { about, settings, signIn } = useWindowState()
  const now = useStore(settings.store)
  const { secretStore } = useStore(signIn)
  const text = words.settings
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is in reach of the keyboard (WCAG 2.1.1)
    <main className="screen narrow" aria-labelledby="settings-title" data-region tabIndex={0}>
      <header>
        <h1 id="settings-title">{text.title}</h1>
      </header>
      <Choice label={text.language} value={now.language} names={text.languages} onChoose={(language: Settings['language']) => settings.change({ language })} />
      <Choice label={text.theme} value={now.theme} names={text.themes} onChoose={(theme: Settings['theme']) => settings.change({ theme })} />
      <Choice label={text.density} value={now.density} names={text.densities} onChoose={(density: Settings['density']) => settings.change({ density })} />
      <Choice
        label={text.lock}
        value={`${now.lockMinutes}` as const}
        names={text.lockMinutes}
        onChoose={(minutes) => settings.change({ lockMinutes: Number(minutes) as Settings['lockMinutes'] })}
      />
      <Choice
        label={text.sound}
        value={now.noticeSound ? 'on' : 'off'}
        names={text.sounds}
        onChoose={(sound) => settings.change({ noticeSound: sound === 'on' })}
      />
      <Row label={text.fontSize}>
        <IconButton icon={Minus} label={text.smaller} onClick={() => settings.resizeText(-1)} />
        <output className="num size">{now.terminalFontSize}</output>
        <IconButton icon={Plus} label={text.larger} onClick={() => settings.resizeText(1)} />
      </Row>
      <Choice
        label={text.screenReader}
        value={now.terminalScreenReader ? 'on' : 'off'}
        names={text.screenReaders}
        onChoose={(reader) => settings.change({ terminalScreenReader: reader === 'on' })}
      />
      <KeysSection />
      <UpdateSection />
      <h2 className="head about">{text.about}</h2>
      <dl className="about-list">
        <dt>{text.version}</dt>
        <dd className="num">{about.version}</dd>
        <dt>{text.server}</dt>
        <dd className="mono selectable">{about.mainServer}</dd>
        <dt>{text.store}</dt>
        <dd>{text.stores[secretStore]}</dd>
      </dl>
    </main>
  )
}

function Row({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="set" role="group" aria-label={label}>
      <span className="strong">{label}</span>
      <span className="row-x">{children}</span>
    </div>
  )
}

function Choice<T extends string>({ label, value, names, onChoose }: { label: string; value: T; names: Record<T, string>; onChoose: (value: T) => void }) {
  const group = useId()
  return (
    <fieldset className="set">
      <legend className="sr">{label}</legend>
      <span className="strong" aria-hidden>
        {label}
      </span>
      <span className="seg-row">
        {(Object.keys(names) as T[]).map((name) => (
          <label key={name} className={`chip ${value === name ? 'on' : ''}`}>
            <input type="radio" className="sr" name={group} checked={value === name} onChange={() => onChoose(name)} />
            {names[name]}
          </label>
        ))}
      </span>
    </fieldset>
  )
}
