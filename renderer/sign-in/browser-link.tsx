import { CopyButton } from '../ui/copy-button.tsx'
import { useSpeech } from '../ui/language.tsx'

/** Where no page came up by itself. */
export function BrowserLink({ link }: { link: string }) {
  const { words } = useSpeech()
  return (
    <div className="si-link">
      <p className="small t2">{words.signIn.linkLabel}</p>
      <div className="row-x">
        <span className="mono grow selectable si-url">{link}</span>
        <CopyButton text={link} />
      </div>
    </div>
  )
}
