import type { NewDeviceEvent } from '@gantry/shared/audit.ts'
import type { PanelPolicy } from '@gantry/shared/panel.ts'
import { hoursText } from './access/policy.ts'
import type { LoadedPolicy } from './access/policy-file.ts'
import type { PolicySwitch } from './access/policy-switch.ts'
import type { PanelLink } from './panel-link.ts'

/** What the panel shows of the rules of this device. */
export function panelPolicy({ policy, from, fault, serial, owner }: LoadedPolicy, switchedOff: boolean): PanelPolicy {
  const { rules, requestsPerHour, sessionMinutes, sessionMegabytes, countries, hours, files, actions } = policy
  const { toDevice, fromDevice } = files
  return {
    ...{ from, fault, serial, switchedOff, owner: owner?.slice(0, 8) ?? null },
    ...{ rules, requestsPerHour, sessionMinutes, sessionMegabytes, countries, actions, hours: hours && hoursText(policy) },
    files: { toDevice, fromDevice },
  }
}

export type PanelSwitchWith = {
  panel: Pick<PanelLink, 'onPress'>
  policySwitch: PolicySwitch
  audit: (event: NewDeviceEvent) => void
  onChange: () => void
}

/** The panel's off switch. A press that changes nothing is none. */
export function attachPanelSwitch({ panel, policySwitch, audit, onChange }: PanelSwitchWith): void {
  panel.onPress((press) => {
    if (press.type !== 'service.switch' || press.on !== policySwitch.isOff()) return
    let stored = true
    try {
      policySwitch.turn(!press.on)
    } catch {
      stored = false
    }
    audit({ kind: 'device.switched', actor: { kind: 'person' }, data: { on: !policySwitch.isOff(), stored } })
    onChange()
  })
}
