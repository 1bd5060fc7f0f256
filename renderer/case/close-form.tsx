import type { CaseView } from '@gantry/shared/case-api.ts'
import { call } from '../api.ts'
import { useWindowState } from '../state.ts'
import { useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'
import { CaseForm } from './case-form.tsx'
import { endingWith } from './case-view.ts'

type CloseFormProps = { found: CaseView; onDone: (next: CaseView) => void; onBack: () => void }

/** The question before a case is closed: what ends with it stands there by name. */
export function CloseForm({ found, onDone, onBack }: CloseFormProps) {
  const { words } = useSpeech()
  const text = words.case
  const state = useWindowState()
  const { devices } = useStore(state.devices.store)
  const customerOf = (deviceId: string) => devices.find(({ id }) => id === deviceId)?.customer.id
  const ending = endingWith(found, customerOf, { sessions: useStore(state.sessions.store), requests: useStore(state.requests.store) })
  const lines = [
    ...ending.sessions.map(({ requestId, device, access }) => ({ id: requestId, line: text.endsSession(device.name, words.levels[access].short) })),
    ...ending.requests.map(({ requestId, device }) => ({ id: requestId, line: text.endsRequest(device.name) })),
    ...(ending.others > 0 ? [{ id: 'others', line: text.endsOthers(ending.others) }] : []),
  ]
  return (
    <CaseForm
      title={text.closeTitle(found.number)}
      label={text.resolution}
      hint={text.resolutionHint}
      confirm={text.closeDone}
      look="end"
      send={(resolution) => call('case.close', { customerId: found.customerId, number: found.number, resolution })}
      onDone={onDone}
      onBack={onBack}
    >
      <p className="t2">{text.closeForGood}</p>
      {lines.length === 0 ? (
        <p className="t2">{text.endsNothing}</p>
      ) : (
        <div className="t2">
          <p>{text.ends}</p>
          <ul className="ends">
            {lines.map(({ id, line }) => (
              <li key={id}>{line}</li>
            ))}
          </ul>
        </div>
      )}
    </CaseForm>
  )
}
