import { actions } from '@gantry/shared/actions.ts'
import { includesLevel } from '@gantry/shared/profile.ts'
import { z } from 'zod'
import type { ExitCode } from '../exit-code.ts'
import { table } from '../plain.ts'
import type { CommandContext } from '../program.ts'
import { withServices } from '../with-services.ts'

export function listActions({ place, console, args }: CommandContext): Promise<ExitCode> {
  return withServices({ place, console }, async ({ services }) => {
    const device = await services.devices.find(args[0] ?? '')
    const rows = Object.entries(actions).map(([name, { title, access, changes, input }]) => ({
      ...{ name, title: title[console.language], access, changes },
      allowed: device.levels.some((level) => includesLevel(level, access)),
      input: z.toJSONSchema(input, { io: 'input' }),
    }))
    const { columns, allowed, notAllowed } = console.words.actions
    console.answer({ device: { id: device.id, name: device.name }, actions: rows }, () =>
      table(
        [columns.name, columns.title, columns.access, columns.allowed],
        rows.map((row) => [row.name, row.title, row.access, row.allowed ? allowed : notAllowed]),
      ),
    )
    return 0
  })
}
