import { Button } from '../ui/button.tsx'
import { useSpeech } from '../ui/language.tsx'
import { useRehearsal } from './use-rehearsal.ts'

/** At any time: where a practice device is assigned the rehearsal can begin here, else it says who assigns one. */
export function RehearsalHelp() {
  const { words } = useSpeech()
  const { device, begin } = useRehearsal()
  const text = words.rehearsal
  return (
    <section className="bundle" aria-labelledby="rehearsal-help-title">
      <h2 className="head keys-head" id="rehearsal-help-title">
        {text.title}
      </h2>
      <p className="t2">{device ? text.offerText(device.name) : text.none}</p>
      {device && (
        <div className="row-x">
          <Button onClick={begin}>{text.offer}</Button>
        </div>
      )}
    </section>
  )
}
