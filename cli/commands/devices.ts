import type { DeviceRow } from '@gantry/shared/client-api.ts'
import type { Console } from '../console.ts'
import type { ExitCode } from '../exit-code.ts'
import { table } from '../plain.ts'
import type { CommandContext } from '../program.ts'
import { withServices } from '../with-services.ts'

export function listDevices({ place, console }: CommandContext): Promise<ExitCode> {
  return withServices({ place, console }, async ({ services }) => {
    const { devices, atMs, offline } = await services.devices.list()
    if (offline) console.say(console.words.devices.offline(ago(atMs, console)))
    console.answer({ devices, atMs, offline }, () => (devices.length === 0 ? `${console.words.devices.none}\n` : deviceTable(devices, console)))
    return 0
  })
}

function deviceTable(devices: DeviceRow[], console: Console): string {
  const { columns, reach } = console.words.devices
  const rows = devices.map((device) => [
    device.name,
    device.id,
    device.model.name,
    `${device.customer.name}, ${device.site.name}`,
    reach[device.reach.why],
    ago(device.lastContactMs, console),
    device.levels.join(' '),
  ])
  return table([columns.name, columns.id, columns.model, columns.site, columns.reach, columns.contact, columns.levels], rows)
}

function ago(atMs: number | null, { words }: Console): string {
  return atMs === null ? words.devices.never : words.devices.ago(Math.max(0, Math.round((Date.now() - atMs) / 1_000)))
}
