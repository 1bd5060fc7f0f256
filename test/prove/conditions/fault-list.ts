/** A fault that somebody could make: one text of a source file is replaced, which must be there exactly once. */
export type Fault = { what: string; file: string; find: string; put: string }

const fault = (what: string, file: string, find: string, put: string): Fault => ({ what, file, find, put })
const ofPerson = 'cloud/main-server/access-requests/person-steps.ts'
const ofCustomer = 'cloud/main-server/access-requests/customer-steps.ts'

export const faults: Fault[] = [
  fault('main server: the step of the fresh second factor is left out', 'cloud/main-server/access-requests/steps.ts', '= [\n  requireFreshMfa,', '= ['),
  fault(
    'main server: an entitlement that has ended still counts',
    ofCustomer,
    'if (device && isEntitled(device.entitlement, device.timeZone, nowMs)) return',
    'return',
  ),
  fault('main server: a person who is disabled may ask', ofPerson, 'if (!person || person.disabled)', 'if (!person)'),
  fault('main server: nobody needs to be trained', ofPerson, 'if (device && last !== undefined && dateAt(device.timeZone, nowMs) <= last) return', 'return'),
  fault('main server: a copied sign-in goes on', ofPerson, 'if (signInEnd)', 'if (false)'),
  fault(
    'both: the specialist key stands for the support key',
    'shared/node/ticket.ts',
    'support: certificate.supportKey }, RequestPayload',
    'support: certificate.specialistKey }, RequestPayload',
  ),
  fault('device: the step of the person’s country is left out', 'agent/access/steps.ts', '  requireCountry,\n', ''),
  fault('device: the step of the fresh roster is left out', 'agent/access/steps.ts', '  requireFreshRoster,\n', ''),
  fault('device: nobody is asked', 'agent/access/requests.ts', `if (rule !== 'allow') await askForYes(running, rule)`, ''),
  fault('device: a no is a yes', 'agent/access/approval.ts', 'if (!press.allow) return', 'if (false) return'),
  fault('device: any typed code is right', 'agent/access/approval.ts', ': codesMatch(press.code, code)', ': true'),
  fault('device: what is withdrawn goes on', 'agent/access/requests.ts', 'else running.asking.abort(withdrawn)', ''),
  fault('device: a changed policy ends nothing', 'agent/access/requests.ts', 'const denied = closed || ', 'const denied = false && '),
  fault('device: the first of the two SSH keys is enough', 'agent/session/authentication.ts', 'passed === levels.length', 'passed === 1'),
  fault('access server: an admission of another connection counts', 'cloud/access-server/admit.ts', '&& said.nonce === nonce', ''),
  fault('access server: a ticket for another one counts', 'cloud/access-server/admit.ts', 'if (!named) throw', 'if (false) throw'),
]
