import {
  requireChange,
  requireContact,
  requireContactsYes,
  requireEntitlement,
  requireFewNotices,
  requireLoudHours,
  requireOpenCase,
  requireOrigin,
  requirePaidCall,
  requireTerms,
} from './customer-steps.ts'
import {
  requireAccessServer,
  requireConnectivity,
  requireDeviceClock,
  requireDeviceEnabled,
  requireDeviceReachable,
  requireEnrolled,
  requireOnePlace,
} from './device-steps.ts'
import type { Facts, StandingFacts } from './facts.ts'
import {
  requireAssignment,
  requireFewWaiting,
  requireFreshMfa,
  requireLevel,
  requireLimits,
  requireNotReplayed,
  requireOwnRequest,
  requirePersonEnabled,
  requirePlanAcknowledged,
  requirePosture,
  requireRoster,
  requireSameTime,
  requireScreening,
  requireSignatures,
  requireSignInStands,
  requireStillCertified,
  requireTraining,
} from './person-steps.ts'

/**
 * The main server's policy: each step throws the reason, in words of the catalogue, or lets pass. The device decides again, by itself, from the same
 * signed things. A device that is not assigned and one that is not there leave at the same step with the same answer (R073).
 */
export const steps: ((facts: Facts) => void | Promise<void>)[] = [
  requireFreshMfa,
  requirePersonEnabled,
  requireOwnRequest,
  requireSameTime,
  requireSignatures,
  requireRoster,
  requireAssignment,
  requireLevel,
  requireLimits,
  requireScreening,
  requirePlanAcknowledged,
  requireTraining,
  requirePosture,
  requireOrigin,
  requireDeviceEnabled,
  requireEntitlement,
  requireTerms,
  requirePaidCall,
  requireOpenCase,
  requireContact,
  requireChange,
  requireLoudHours,
  requireEnrolled,
  requireOnePlace,
  requireConnectivity,
  requireDeviceReachable,
  requireDeviceClock,
  requireAccessServer,
  requireNotReplayed,
  requireFewWaiting,
  requireFewNotices,
]

/**
 * The steps that must go on holding while a request waits or its session runs: what was the person's, the device's or the customer's at the beginning may be
 * taken away, and then it ends within seconds (R010, R087; `standing.ts`).
 */
export const standingSteps: ((facts: StandingFacts) => void)[] = [
  requireSignInStands,
  requirePersonEnabled,
  requireStillCertified,
  requireAssignment,
  requireLevel,
  requireLimits,
  requireScreening,
  requirePlanAcknowledged,
  requireTraining,
  requireOrigin,
  requireDeviceEnabled,
  requireOnePlace,
  requireEntitlement,
  requireTerms,
  requirePaidCall,
  requireOpenCase,
  requireContactsYes,
  requireChange,
  requireConnectivity,
]

/** Runs the steps in order; returns the names of those that passed, which are all. The failing step's name is told through `onRefusal`. */
export async function runSteps(facts: Facts, onRefusal: (step: string, error: unknown) => void): Promise<string[]> {
  for (const step of steps) {
    try {
      await step(facts)
    } catch (error) {
      onRefusal(step.name, error)
      throw error
    }
  }
  return steps.map((step) => step.name)
}
