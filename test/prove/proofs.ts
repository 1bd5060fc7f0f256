import { balance } from './balance.ts'
import { blind } from './blind.ts'
import { callback } from './callback.ts'
import { clock } from './clock.ts'
import { conditions } from './conditions.ts'
import { decoders } from './decoders.ts'
import { bodies } from './desktop/bodies.ts'
import { packaged } from './desktop/packaged.ts'
import { seededFaults } from './desktop/seeded-faults.ts'
import { sftp } from './desktop/sftp.ts'
import { terminal } from './desktop/terminal.ts'
import { updates } from './desktop/updates.ts'
import { flips } from './flips.ts'
import { flood } from './flood.ts'
import { forgery } from './forgery.ts'
import { hidden } from './hidden.ts'
import { idp } from './idp.ts'
import { kills } from './kills.ts'
import { lan } from './lan.ts'
import { leaks } from './leaks.ts'
import { mainServer } from './main-server.ts'
import { model } from './model.ts'
import { network } from './network.ts'
import { otherUser } from './other-user.ts'
import { ports } from './ports.ts'
import type { Proof } from './proof.ts'
import { revocation } from './revocation.ts'
import { rotation } from './rotation.ts'
import { scanners } from './scanners.ts'
import { secrets } from './secrets.ts'
import { supervisor } from './supervisor.ts'
import { tokens } from './tokens.ts'

/** What can be proven, by subject, in the order in which it is run. */
export const subjects: Record<string, readonly Proof[]> = {
  tunnel: [kills, mainServer, network, balance, ports, blind, flips, flood, leaks, supervisor, model],
  trust: [idp, forgery, conditions, callback, tokens, revocation, hidden, rotation, clock, decoders, scanners, lan, otherUser, secrets],
  desktop: [bodies, seededFaults, packaged, updates, terminal, sftp],
}
