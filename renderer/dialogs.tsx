import { CaseDialog } from './case/case-dialog.tsx'
import { Palette } from './palette/palette.tsx'
import { RequestForm } from './request/request-form.tsx'
import { RequestLive } from './request/request-live.tsx'
import { useWindowState } from './state.ts'
import { useStore } from './ui/store.ts'

/** The one dialog that is open, if any. */
export function Dialogs() {
  const state = useWindowState()
  const { dialog } = useStore(state.place.store)
  const { devices } = useStore(state.devices.store)
  const requests = useStore(state.requests.store)
  if (!dialog) return null
  const close = state.place.closeDialog
  switch (dialog.kind) {
    case 'palette':
      return <Palette onClose={close} />
    case 'case':
      return <CaseDialog number={dialog.number} customerId={devices.find(({ id }) => id === dialog.deviceId)?.customer.id} onClose={close} />
    case 'ask': {
      const device = devices.find(({ id }) => id === dialog.deviceId)
      return device ? <RequestForm key={device.id} device={device} access={dialog.access} filled={dialog.filled} onClose={close} /> : null
    }
    case 'follow': {
      const request = requests.find(({ requestId }) => requestId === dialog.requestId)
      return request ? <RequestLive request={request} device={devices.find(({ id }) => id === request.device.id)} onClose={close} /> : null
    }
  }
}
