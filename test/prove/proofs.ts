import { flips } from './flips.ts'
import { kills } from './kills.ts'
import { network } from './network.ts'
import type { Proof } from './proof.ts'

/** What can be proven, by subject. */
export const subjects: Record<string, readonly Proof[]> = { tunnel: [kills, network, flips] }
