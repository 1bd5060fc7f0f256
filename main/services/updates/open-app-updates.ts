import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { Dial } from '@gantry/shared/node/dial.ts'
import type { UpdateStatus } from '@gantry/shared/update-calls.ts'
import type { AppUpdates, UpdateSetup } from '../services.ts'
import { createFeed } from './feed.ts'
import { openUpdateStore } from './store.ts'
import { createAppUpdates, type UpdatesOptions } from './updates.ts'

type Parts = Pick<UpdatesOptions, 'installed' | 'isBusy' | 'onChange' | 'log' | 'now'> & {
  setup: UpdateSetup
  profileDir: string
  origin: string
  dial: Dial
  audit: (event: NewAuditEvent) => Promise<unknown>
}

/** Looks for a new version at once where this installation updates itself; where it does not, says why. */
export function openAppUpdates({ setup, profileDir, origin, dial, audit, ...parts }: Parts): AppUpdates {
  if ('unsupported' in setup) return unsupported(parts.installed, setup.unsupported)
  const { key, target, installer } = setup
  const updates = createAppUpdates({
    ...{ ...parts, target, installer },
    feed: createFeed({ origin, dial, key }),
    store: openUpdateStore(profileDir),
    async audit(kind, data) {
      await audit({ kind, actor: { kind: 'client' }, data })
    },
  })
  void updates.check()
  return updates
}

function unsupported(installed: string, why: NonNullable<UpdateStatus['unsupported']>): AppUpdates {
  const refuse = () => {
    throw new AppError('update.unsupported')
  }
  return {
    status: () => ({
      ...{ installed, channel: null, unsupported: why, state: 'idle', release: null, isRequired: false, bytes: 0, totalBytes: 0 },
      ...{ outcome: null, checkedMs: null, failure: null, previous: null },
    }),
    check: async () => refuse(),
    ...{ download: refuse, cancel: refuse, install: refuse, postpone: refuse },
    look: () => undefined,
    close: () => undefined,
  }
}
