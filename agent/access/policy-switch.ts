import type { Policy } from '@gantry/shared/device-policy.ts'
import { z } from 'zod'
import type { StateFile } from '../state-file.ts'

/**
 * The switch at the panel: whoever stands there turns remote service off, without a key and at once, and on again. It takes away and gives back; what the owner
 * signed stays what it is, so on is never more than that.
 */
export const SwitchState = z.strictObject({ version: z.literal(1), off: z.boolean() })
export type SwitchState = z.infer<typeof SwitchState>
export const switchedOn = (): SwitchState => ({ version: 1, off: false })
/** Nobody knows how it stood; at the panel it is one press. */
export const lostSwitch = (): SwitchState => ({ version: 1, off: true })

export type PolicySwitch = {
  isOff(): boolean
  /** Off holds at once, also where it cannot be stored. On is on disk when it returns. Throws what the disk says. */
  turn(off: boolean): void
  narrow(policy: Policy): Policy
}

export function createPolicySwitch(file: StateFile<SwitchState>): PolicySwitch {
  let isOff = file.value.off
  return {
    isOff: () => isOff,
    turn(off) {
      isOff ||= off
      file.save({ version: 1, off })
      isOff = off
    },
    narrow: (policy) => (isOff ? { ...policy, connectivity: 'off' } : policy),
  }
}
