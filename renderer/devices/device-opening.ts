import type { DeviceRow } from '@gantry/shared/client-api.ts'
import { isAsking } from '../request/request-store.ts'
import type { Around } from './device-story.ts'

/** What the main button of a device does now. A device that cannot be reached may be asked all the same: the server says why not, with its code. */
export function openingOf(device: DeviceRow, offline: boolean, { sessions, requests }: Around): { kind: 'ask' | 'tab' | 'request'; isClosed: boolean } {
  if (sessions.some(({ device: { id }, state }) => id === device.id && state === 'open')) return { kind: 'tab', isClosed: false }
  if (requests.some((one) => one.device.id === device.id && isAsking(one))) return { kind: 'request', isClosed: false }
  return { kind: 'ask', isClosed: offline }
}
