import type { DeviceId } from '@gantry/shared/ids.ts'
import { UnstyledButton } from '@mantine/core'
import { useWindowState } from '../state.ts'
import { useSpeech } from '../ui/language.tsx'

/** The number of a case, where it stands beside a session: pressed, it shows the case. */
export function CaseButton({ number, deviceId }: { number: string; deviceId: DeviceId }) {
  const { words } = useSpeech()
  const { place } = useWindowState()
  return (
    <UnstyledButton
      className="case-link small cut"
      aria-label={words.case.open(number)}
      title={words.case.open(number)}
      onClick={() => place.openDialog({ kind: 'case', number, deviceId })}
    >
      {words.session.case(number)}
    </UnstyledButton>
  )
}
