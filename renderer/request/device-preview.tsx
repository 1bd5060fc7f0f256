import type { DeviceRow } from '@gantry/shared/client-api.ts'
import { useWindowState } from '../state.ts'
import { useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'
import type { Draft } from './request-draft.ts'

/** The other side is visible (design: principle 6): what the device will show of this request. */
export function DevicePreview({ draft, device }: { draft: Draft; device: DeviceRow }) {
  const { words } = useSpeech()
  const { specialist } = useStore(useWindowState().signIn)
  const { preview } = words.request
  const rule = draft.access ? device.rules?.[draft.access] : undefined
  return (
    <aside className="pv" aria-label={preview.title}>
      <p className="head">{preview.title}</p>
      <div className="mini">
        <p className="small t3">{preview.asks}</p>
        <p className="mh">{specialist?.name}</p>
        <p className="small t2">{specialist && preview.from(specialist.employer, specialist.city)}</p>
        <dl>
          <dt>{preview.why}</dt>
          <dd className={draft.reason ? 'selectable' : 't3'}>{draft.reason || preview.noReason}</dd>
          <dt>{preview.may}</dt>
          <dd>{draft.access && preview.may2[draft.access]}</dd>
          <dt>{preview.time}</dt>
          <dd>{preview.minutes(draft.minutes)}</dd>
        </dl>
        {rule === 'allow' ? (
          <p className="small t3 nothing">{preview.nothing}</p>
        ) : (
          <>
            <p className="mc mono" aria-hidden>
              ••• •••
            </p>
            <div className="mb" aria-hidden>
              <span>{preview.refuse}</span>
              <span className="y">{preview.allow}</span>
            </div>
          </>
        )}
      </div>
      <p className="small t2">{preview.note}</p>
    </aside>
  )
}
