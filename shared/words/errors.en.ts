import type { ErrorCode, ErrorDetails } from '../errors.ts'
import { byReason, proxyEn } from './proxy.en.ts'
import { spanEn } from './span.ts'

/** `what` happened, then what to do about it. Details are plain facts of the failure. */
export type ErrorWords = Record<ErrorCode, (details: ErrorDetails) => { what: string; todo: string }>

const report = 'Report it with the code and the log line.'

export const errorsEn: ErrorWords = {
  'auth.not-signed-in': () => ({ what: 'You are not signed in.', todo: 'Sign in, then try again.' }),
  'auth.session-expired': () => ({ what: 'Your sign-in is over.', todo: 'Sign in again; open sessions stay open.' }),
  'auth.proof-bad': () => ({
    what: 'This computer could not prove that the sign-in is its own.',
    todo: 'Sign in again. If it happens once more, tell your security office: somebody may be using a copy of your sign-in.',
  }),
  'auth.sign-in-copied': () => ({
    what: 'Your sign-in was used from two places at once, so it may have been copied. It is over everywhere, and so are the sessions that were opened under it.',
    todo: 'Tell your security office now, then sign in again.',
  }),
  'auth.signed-in-elsewhere': () => ({
    what: 'This sign-in was ended from another place where you are signed in, and so were the sessions that were opened under it.',
    todo: 'If that was you, go on there. If not, tell your security office now.',
  }),
  'auth.other-person': () => ({
    what: 'Somebody else signed in than the person who is signed in here.',
    todo: 'Do it again under the name of the person who is signed in.',
  }),
  'auth.locked': () => ({ what: 'The window is locked.', todo: 'Unlock it with your sign-in; open sessions go on.' }),
  'auth.wrong-credentials': () => ({ what: 'User name, password or code do not fit.', todo: 'Check them and try again.' }),
  'auth.code-used': ({ seconds }) => ({
    what: 'This code was already used once.',
    todo: `Wait for the next code${seconds === undefined ? '' : `, in ${seconds} s`}.`,
  }),
  'auth.passkey-refused': () => ({
    what: 'This passkey was not accepted.',
    todo: 'Try again, or sign in with the code. If it happens twice, tell your security office.',
  }),
  'auth.throttled': ({ seconds }) => ({ what: 'Too many attempts.', todo: `Wait ${seconds ?? 60} s, then try again. Open sessions are not touched.` }),
  'auth.cancelled': () => ({ what: 'Sign-in was not finished.', todo: 'Start it again when you are ready.' }),
  'auth.callback-refused': () => ({
    what: 'The answer from the browser did not belong to this sign-in.',
    todo: 'Start the sign-in again from here, and use the page that opens.',
  }),
  'auth.provider-unreachable': ({ reason }) => ({
    what: `Your organisation’s sign-in service does not answer${reason === undefined ? '' : ` (${reason})`}.`,
    todo: 'Try again in a moment; if it stays so, tell your IT service. Open sessions are not touched.',
  }),
  'auth.provider-refused': ({ reason }) => ({
    what: `Your organisation’s sign-in service refused${reason === undefined ? '' : ` (${reason})`}.`,
    todo: 'Try again, and finish the sign-in there. If it refuses again, tell your IT service.',
  }),
  'auth.provider-answer-bad': ({ reason }) => ({
    what: `The answer of your organisation’s sign-in service cannot be trusted${reason === undefined ? '' : ` (${reason})`}.`,
    todo: 'Try again. If it happens twice, tell your IT service, with what stands in brackets.',
  }),
  'auth.no-account': ({ subject }) => ({
    what: 'You are known at your organisation, but have no account here, or it is turned off.',
    todo: `Ask your Gantry administrator to assign one${subject === undefined ? '' : ` to ${subject}, which is how your organisation names you`}.`,
  }),
  'auth.second-factor-missing': () => ({
    what: 'A second factor is needed, your organisation’s sign-in service asked none, and none is set up here.',
    todo: 'Ask your Gantry administrator for an authenticator.',
  }),
  'auth.keychain-missing': () => ({
    what: 'This computer has no keychain that answers, so a sign-in could not be kept safely.',
    todo: 'On Linux install and unlock a Secret Service (for example gnome-keyring with libsecret), then sign in again. Nothing was stored.',
  }),
  'auth.keys-missing': () => ({
    what: 'Your specialist keys are not on this computer.',
    todo: 'Make them (Settings, or “gantry keys --create”), then have your security office certify them.',
  }),
  'auth.keys-waiting': () => ({
    what: 'Your new keys are not certified yet.',
    todo: 'Take the request to your security office and read them the short fingerprint; the certificate then comes by itself.',
  }),
  'auth.pin-needed': () => ({ what: 'Your support key asks for your PIN.', todo: 'Type the PIN that you chose for this computer.' }),
  'auth.pin-wrong': ({ triesLeft }) => ({ what: 'That is not your PIN.', todo: `Try again${triesLeft === undefined ? '' : `; before a wait: ${triesLeft}`}.` }),
  'auth.pin-blocked': ({ seconds }) => ({
    what: 'Too many wrong PINs.',
    todo: `Wait ${seconds ?? 30} s. Whoever has forgotten theirs makes new keys, and has them certified.`,
  }),
  'auth.pin-short': ({ min }) => ({ what: 'This PIN is too short.', todo: `Choose one of ${min ?? 6} characters or more.` }),
  'auth.certificate-expired': () => ({ what: 'The certificate of your keys has expired.', todo: 'Ask your security office for a new one.' }),

  'access.mfa-stale': ({ minutes }) => ({
    what: `Your second factor is older than ${minutes ?? 15} minutes.`,
    todo: 'Sign in again; open sessions stay open.',
  }),
  'access.person-disabled': () => ({ what: 'Your account is disabled.', todo: 'Ask your supervisor. What was open has been ended.' }),
  'access.device-disabled': () => ({ what: 'This device is out of service.', todo: 'Ask your dispatcher whether it comes back.' }),
  'access.not-entitled': ({ endedOn }) => ({
    what: endedOn ? `The service agreement ended on ${endedOn}.` : 'There is no service agreement for this device.',
    todo: 'Ask contracts to renew it.',
  }),
  'access.terms-missing': () => ({
    what: 'This customer has not accepted the terms of remote service for this device.',
    todo: 'Have them accepted, and entered in the directory.',
  }),
  'access.call-not-paid': ({ caseId }) => ({
    what: `This device is served per call, and ${caseId === undefined ? 'this case' : `case ${caseId}`} is not paid for.`,
    todo: 'Give the number of the paid case, or have the call entered.',
  }),
  'access.not-screened': () => ({ what: 'Your background check is not on record.', todo: 'Ask your manager to have its date entered in the directory.' }),
  'access.plan-not-acknowledged': () => ({
    what: 'That you acknowledged the IT security plan is not on record.',
    todo: 'Read the plan, sign it, and ask your manager to have the date entered in the directory.',
  }),
  'access.posture': ({ reason, version, minimumVersion }) => {
    if (reason === 'version')
      return {
        what: `This app is version ${version ?? 'unknown'}; ${minimumVersion ?? 'a newer one'} or newer is required here.`,
        todo: 'Update it, then ask again.',
      }
    if (reason === 'disk-off')
      return {
        what: 'The disk of this computer is not encrypted, and that is required here.',
        todo: 'Turn on BitLocker, FileVault or LUKS, or ask from a computer that has it.',
      }
    if (reason === 'disk-unknown')
      return {
        what: 'Whether the disk of this computer is encrypted could not be told, and that it is is required here.',
        todo: 'Ask your IT to look at it, or ask from a computer whose disk is encrypted by BitLocker, FileVault or LUKS.',
      }
    return { what: 'This app does not say on what computer it runs, and that is required here.', todo: 'Update it, then ask again.' }
  },
  'access.not-trained': ({ model, endedOn }) => ({
    what:
      endedOn === undefined
        ? `You are not on record as trained for ${model ?? 'this model'}.`
        : `Your training for ${model ?? 'this model'} ended on ${endedOn}.`,
    todo: 'Take the training and have it entered, or hand the case to a trained colleague.',
  }),
  'access.country-not-allowed': ({ country }) => ({
    what: `This customer admits nobody from ${country ?? 'your country'}.`,
    todo: 'Hand the case to a colleague in a country that the customer admits.',
  }),
  'access.tier-not-allowed': ({ country, tier }) => ({
    what: `This customer does not admit tier ${tier ?? ''} from ${country ?? 'your country'}.`,
    todo: 'Hand the case to a colleague of a tier that the customer admits.',
  }),
  'access.escalation-needed': ({ country, tier }) => ({
    what: `From ${country ?? 'your country'}, tier ${tier ?? ''} comes in only on a case that was escalated to you.`,
    todo: 'Have the colleague who holds the case escalate it to you, then ask again.',
  }),
  'access.contact-missing': () => ({
    what: 'This customer must be told before the session, and nobody there can be reached.',
    todo: 'Have the addresses for notices entered in the directory.',
  }),
  'access.contact-refused': () => ({ what: 'The customer’s contact refused the session.', todo: 'Call the customer before you ask again.' }),
  'access.contact-no-answer': () => ({
    what: 'The customer’s contact must accept the session, and did not answer.',
    todo: 'Call them, and ask again when they are at hand.',
  }),
  'access.notice-undelivered': ({ reason }) => ({
    what: `The customer must be told before the session, and the message did not arrive${reason === undefined ? '' : ` (${reason})`}.`,
    todo: 'Ask again. If it goes on, have the addresses for notices and the mail server checked.',
  }),
  'access.too-many-notices': ({ max }) => ({
    what: `The customer was told of ${max === undefined ? 'many' : max} requests for this device within an hour.`,
    todo: 'Call the customer, and ask again later.',
  }),
  'access.change-missing': ({ number, opensAt }) => ({
    what: `This customer has change control, and no approved change is open now.${number === undefined ? '' : ` Change ${number} opens at ${opensAt}.`}`,
    todo: number === undefined ? 'Have the customer approve a change, and have it entered in the directory.' : 'Ask again within its window.',
  }),
  'access.quiet-hours': ({ until }) => ({
    what: `It is quiet hours at the site${until === undefined ? '' : `, until ${until} there`}.`,
    todo: 'Ask again afterwards; if it is urgent, call the site.',
  }),
  'access.connectivity-off': () => ({ what: 'Remote service is turned off for this device.', todo: 'Ask the site to turn it on.' }),
  'access.level-not-allowed': ({ level }) => ({
    what: `Your profile does not hold the level ${level ?? 'you asked for'} on this device.`,
    todo: 'Ask for a lower level, or ask your supervisor for the profile.',
  }),
  'access.second-key-missing': () => ({
    what: 'This customer signs each request with a key of its own, and did not sign this one in time.',
    todo: 'Call the customer’s approver, and ask again when they are at hand.',
  }),
  'access.restricted-open': ({ reason }) => ({
    what:
      reason === 'others'
        ? 'This device keeps patient data shut, and another program of the same account runs there, through which it could be seen.'
        : 'This device keeps patient data shut, and cannot keep it from the programs of a session.',
    todo: reason === 'others' ? 'Ask again when no other session is open, or ask for files.' : 'Ask for files or diagnostics, or ask the site.',
  }),
  'access.patient-data': () => ({
    what: 'Your profile does not let you meet patient data, and this access level could.',
    todo: 'Ask for diagnostics, or hand the case to a colleague whose profile allows it.',
  }),
  'access.profile-narrowed': () => ({
    what: 'Your profile allows less than when this access was given, so it was ended.',
    todo: 'Ask again; you get what your profile allows now.',
  }),
  'access.reason-too-long': ({ max }) => ({ what: 'The reason is too long.', todo: `Keep it under ${max ?? 1000} characters.` }),
  'access.too-many-open': ({ max }) => ({ what: `You already have ${max ?? 2} requests waiting.`, todo: 'Cancel one, or wait for its answer.' }),
  'access.replayed': () => ({ what: 'This request was sent before.', todo: 'Make a new request.' }),
  'access.signature-bad': () => ({
    what: 'A signature on the request does not hold.',
    todo: 'Check that your keys are those that were certified; then ask again.',
  }),
  'access.certificate-bad': () => ({ what: 'Your keys are not certified for this, or no longer.', todo: 'Ask your security office.' }),
  'access.roster-stale': () => ({
    what: 'The device’s list of certified people is out of date, so only diagnostics are open.',
    todo: 'Ask for diagnostics, or have the security office sign a new roster.',
  }),
  'access.roster-missing': () => ({
    what: 'The device has no valid list of certified people yet.',
    todo: 'Wait for its next poll; if it stays so, ask the security office.',
  }),
  'access.commitment-bad': () => ({
    what: 'The revealed number does not fit the signed request.',
    todo: 'Someone may be in between. Ask again; report it if it happens twice.',
  }),
  'access.clock-off': ({ seconds, of }) => {
    const by = `${spanEn(Number(seconds))} ${Number(seconds) < 0 ? 'behind' : 'ahead'}`
    if (of === 'device') return { what: `The clock of the device is ${by}.`, todo: 'Have the site set it, or its time server; then ask again.' }
    if (of === 'computer') return { what: `The clock of this computer is ${by}.`, todo: 'Set it, or let it follow a time server; then ask again.' }
    return {
      what: `Two clocks differ ${seconds === undefined ? 'too much' : `by ${spanEn(Number(seconds))}`}.`,
      todo: 'Set the clock of this computer and of the device, then ask again.',
    }
  },
  'device.two-places': () => ({
    what: 'This device called in from two places at once, so its identity may have been copied. Nobody gets in.',
    todo: 'Tell your security office now. It gets a new identity by a new enrolment code.',
  }),
  'access.refused': () => ({ what: 'The person at the device refused.', todo: 'Call the site and ask why before you ask again.' }),
  'access.no-answer': () => ({ what: 'Nobody answered at the device within two minutes.', todo: 'Call the desk, then ask again.' }),
  'access.code-wrong': () => ({
    what: 'The code typed at the device was not the matching code.',
    todo: 'Call the site, ask again, and read the new code out slowly.',
  }),
  'access.policy-denied': ({ access, minutes, country, hours }) => ({
    what:
      hours !== undefined
        ? `The device’s own rules let people in at certain hours only: ${hours}.`
        : country !== undefined
          ? `The device’s own rules let nobody in from ${country}.`
          : minutes !== undefined
            ? `The device’s own rules allow ${minutes} minutes at most.`
            : `The device’s own rules do not allow ${access === undefined ? 'this' : `the level ${access}`}.`,
    todo:
      hours !== undefined
        ? 'Ask again within them; if it is urgent, call the site.'
        : country !== undefined
          ? 'Hand the case to a colleague, or ask the site to change the rule.'
          : minutes !== undefined
            ? 'Ask for less time.'
            : 'Ask for another level, or ask the site to change the rule.',
  }),
  'access.policy-unusable': ({ fault }) => ({
    what: `The device cannot go by its own rules${fault === undefined ? '' : ` (${fault})`}, so it lets nobody in.`,
    todo: 'Ask the site to put the device’s policy right; its front panel says what is wrong.',
  }),
  'access.panel-missing': () => ({
    what: 'The device’s front panel does not answer, so nobody can agree.',
    todo: 'Ask the site to restart the device’s panel.',
  }),
  'access.rate-limited': ({ minutes }) => ({
    what: 'This device has been asked too often in the last hour.',
    todo: `Wait${minutes === undefined ? '' : ` ${minutes} min`}, or call the site.`,
  }),
  'access.cancelled': () => ({ what: 'The request was cancelled.', todo: 'Ask again when you are ready.' }),
  'access.expired': () => ({ what: 'The request ran out of time.', todo: 'Ask again.' }),
  'access.interrupted': () => ({ what: 'The device’s agent restarted while the request was open.', todo: 'Ask again.' }),
  'access.no-access-server': ({ regions }) => ({
    what: regions ? `No access server of this customer’s regions (${regions}) answers now.` : 'No access server answers now.',
    todo: 'Try again in a minute. Nothing was sent to the device.',
  }),
  'access.unknown': () => ({ what: 'There is no such request.', todo: 'Look at the list of requests.' }),
  'access.wrong-state': () => ({ what: 'The request has moved on in the meantime.', todo: 'Look at its present state.' }),

  'case.unknown': () => ({ what: 'You have no such case.', todo: 'Check its number, or ask who holds it.' }),
  'case.closed': () => ({ what: 'The case is closed.', todo: 'Begin a new case, and ask under its number.' }),
  'case.not-held': ({ holder }) => ({
    what: holder === undefined ? 'You do not hold this case any more.' : `${holder} holds this case.`,
    todo: 'Only who holds a case can escalate or close it.',
  }),
  'case.not-allowed': () => ({
    what: 'Your profile holds no level on the device of this case.',
    todo: 'Ask your supervisor for the profile; until then the case stays as it is.',
  }),
  'case.colleague-unknown': () => ({
    what: 'There is no such colleague for this case.',
    todo: 'Choose somebody whose profile holds a level on its device.',
  }),
  'case.ambiguous': ({ customers }) => ({
    what: `More than one of your cases has this number${customers === undefined ? '' : `: ${customers}`}.`,
    todo: 'Name the customer as well.',
  }),

  'device.unknown': () => ({
    what: 'There is no such device among those assigned to you.',
    todo: 'Check the name, or ask your supervisor for the assignment.',
  }),
  'device.offline': ({ seconds }) => ({
    what: seconds === undefined ? 'The device has not called in yet.' : `The device has been silent for ${seconds} s.`,
    todo: 'Ask the desk whether it is switched on and online.',
  }),
  'device.ambiguous': ({ candidates }) => ({ what: 'More than one device has this name.', todo: `Use the id: ${candidates ?? ''}` }),
  'device.answer-bad': () => ({ what: 'The device’s answer is not signed by the device.', todo: 'Do not go on. Report it to your security office.' }),
  'device.host-key-wrong': () => ({ what: 'The other end does not hold the device’s key.', todo: 'Do not go on. Report it to your security office.' }),

  'ticket.bad': () => ({ what: 'The ticket does not fit this request.', todo: 'Ask again; report it if it happens twice.' }),
  'ticket.expired': () => ({ what: 'The ticket was not used in time.', todo: 'Ask again.' }),
  'ticket.spent': () => ({ what: 'This ticket has been used.', todo: 'Ask again.' }),

  'leg.refused': () => ({ what: 'The access server did not admit this end.', todo: 'Ask again; report it if it happens twice.' }),
  'leg.peer-missing': () => ({ what: 'The device did not reach the access server.', todo: 'Ask again; if it stays so, the site’s way out may be closed.' }),
  'leg.replaced': () => ({ what: 'A newer connection took this one’s place.', todo: 'Go on in the newer one.' }),
  'leg.busy': () => ({ what: 'The access server has no room.', todo: 'Try again in a minute.' }),
  'leg.draining': () => ({ what: 'The access server is being stopped.', todo: 'Ask again; another one will be used.' }),

  'access-server.unknown': () => ({
    what: 'The main server does not know this access server, or not with this key.',
    todo: 'Enter the name and the public key from its log into the main server’s list.',
  }),
  'access-server.facts-differ': ({ field }) => ({
    what: `The access server’s ${field ?? 'settings'} is not what the main server’s list says.`,
    todo: 'Make the two agree.',
  }),

  'session.ended': () => ({ what: 'The session is over.', todo: 'Ask again if you need more.' }),
  'session.unknown': () => ({ what: 'There is no such session here.', todo: 'Look at the list of sessions.' }),
  'session.too-many-connections': ({ max }) => ({ what: `This session already has ${max ?? 8} connections.`, todo: 'Close one of them.' }),
  'session.time-limit': ({ minutes }) => ({
    what: `The device’s own rules allow ${minutes === undefined || minutes === 0 ? 'no' : minutes} more ${minutes === 1 ? 'minute' : 'minutes'} for this session.`,
    todo: minutes === 0 ? 'Finish what is open, and make a new request.' : 'Ask for less.',
  }),
  'session.restricted-asked': () => ({
    what: 'You have asked for the folders with patient data already.',
    todo: 'Wait for the answer of the person at the device.',
  }),
  'session.restricted-none': () => ({ what: 'This device keeps no folder shut for patient data.', todo: 'There is nothing to ask for.' }),
  'session.terminal-unread': () => ({
    what: 'The device no longer takes what is typed in this terminal.',
    todo: 'Open another one; what runs in this one does not read.',
  }),
  'session.time-asked': () => ({ what: 'You have asked for more time already.', todo: 'Wait for the answer of the person at the device.' }),
  'session.channel-refused': () => ({ what: 'This access level does not hold that.', todo: 'Ask for a higher level.' }),

  'file.not-found': ({ path }) => ({ what: `There is no ${path ?? 'such file'}.`, todo: 'Check the path.' }),
  'file.exists': ({ path }) => ({ what: `${path ?? 'The file'} is there already.`, todo: 'Choose another name, or replace it.' }),
  'file.denied': ({ path }) => ({ what: `${path ?? 'The file'} may not be opened.`, todo: 'Choose another place.' }),
  'file.outside-root': () => ({ what: 'That path leads out of the device’s files.', todo: 'Stay inside the shown folders.' }),
  'file.name-not-allowed': ({ path }) => ({
    what: `The name ${path ?? ''} is not allowed.`,
    todo: 'Use a name without control characters, line breaks, slashes or direction marks.',
  }),
  'file.too-large': ({ maxBytes }) => ({
    what: 'The file is larger than the device’s rules allow.',
    todo: maxBytes === undefined ? 'Split it.' : `Stay under ${maxBytes} bytes.`,
  }),
  'file.disk-full': () => ({
    what: 'There is no room left on the disk.',
    todo: 'Free some space, then try again. Nothing was left half-written under its name.',
  }),
  'file.changed': () => ({ what: 'The file has changed since its transfer was interrupted.', todo: 'Send it again to move it as it is now.' }),
  'file.digest-differs': () => ({ what: 'The file arrived changed; it was not put in place.', todo: 'Send it again.' }),
  'file.not-a-file': ({ path }) => ({ what: `${path ?? 'That'} is not a file.`, todo: 'Choose a file.' }),
  'file.not-a-folder': ({ path }) => ({ what: `${path ?? 'That'} is not a folder.`, todo: 'Choose a folder.' }),
  'file.not-empty': ({ path }) => ({ what: `${path ?? 'The folder'} is not empty.`, todo: 'Empty it first.' }),
  'file.path-closed': () => ({
    what: 'The device’s rules open other folders only.',
    todo: 'Stay inside the shown folders, or ask the site to change the rule.',
  }),
  'file.restricted': ({ path }) => ({
    what: `${path ?? 'This place'} may hold patient data, so the device keeps it shut.`,
    todo: 'Ask for it in this session: the person at the device has to say yes. A second name of a file, and what is moved in or out, stays shut.',
  }),
  'file.direction-closed': () => ({ what: 'The device’s rules close this direction.', todo: 'Ask the site to change the rule.' }),
  'file.cancelled': () => ({ what: 'The transfer was cancelled.', todo: 'Start it again when you are ready.' }),
  'file.failed': () => ({ what: 'The file could not be read or written.', todo: `Try again. ${report}` }),

  'transfer.unknown': () => ({ what: 'That transfer is not in the list any more.', todo: 'Fetch the file again.' }),
  'transfer.not-received': () => ({ what: 'This is no finished download.', todo: 'Wait until both ends have been compared.' }),
  'transfer.no-desktop': () => ({ what: 'A browser cannot hand files to the desktop.', todo: 'Copy the path of the file, and open it from there.' }),

  'action.unknown': ({ name }) => ({ what: `There is no action ${name ?? ''}.`, todo: 'List the device’s actions.' }),
  'action.not-allowed': ({ name }) => ({
    what: `Your profile does not hold the action ${name ?? ''}.`,
    todo: 'Ask a colleague whose profile holds it, or have yours extended.',
  }),
  'action.failed': () => ({ what: 'The action failed on the device.', todo: `Collect diagnostics. ${report}` }),

  'enrol.code-bad': () => ({ what: 'The enrolment code is not good, was used, or is too old.', todo: 'Ask for a new code.' }),
  'enrol.authority-mismatch': () => ({
    what: 'The server names another authority than the enrolment code.',
    todo: 'Do not go on. Report it to your security office.',
  }),
  'enrol.request-bad': () => ({ what: 'The enrolment request was not understood.', todo: report }),

  'authority.officer-unknown': ({ name }) => ({ what: `There is no officer called ${name ?? 'so'}.`, todo: 'See who there is with “list”.' }),
  'authority.officer-known': ({ name }) => ({
    what: `There is an officer called ${name ?? 'so'} already.`,
    todo: 'Choose another name; names are not used twice.',
  }),
  'authority.same-officer': () => ({ what: 'Two different officers have to agree.', todo: 'Name a second person, who types their own passphrase.' }),
  'authority.too-few-officers': ({ min }) => ({ what: `At least ${min ?? 2} officers have to stay.`, todo: 'Add another officer first.' }),
  'authority.passphrase-wrong': ({ name }) => ({
    what: `That is not the passphrase of ${name ?? 'this officer'}.`,
    todo: 'Nothing was signed, and the attempt is in the audit. Start again.',
  }),
  'authority.passphrase-short': ({ min }) => ({
    what: 'This passphrase is too short.',
    todo: `Choose one of ${min ?? 12} characters or more; several words are best.`,
  }),
  'authority.state-older': ({ published }) => ({
    what: `This folder is older than what was published${published === undefined ? '' : ` (roster ${published})`}, or is another authority’s.`,
    todo: 'Use the newest folder. Only if it is lost for good: two officers may go on from this one with “restore”.',
  }),
  'authority.published-missing': () => ({
    what: 'The folder to carry out does not hold the last roster, so nobody can tell whether this state is the newest.',
    todo: 'Bring the folder as it was last written; the main server has a copy of it.',
  }),
  'authority.person-unknown': ({ username }) => ({
    what: `Nobody called ${username ?? 'so'} is here.`,
    todo: 'Import that person’s request, or see who there is with “list”.',
  }),
  'authority.person-known': ({ username }) => ({
    what: `${username ?? 'This person'} is certified with other keys.`,
    todo: 'If the new keys are meant to take their place, use “rotate”.',
  }),
  'authority.request-bad': () => ({
    what: 'This request for a certificate does not hold: its signatures, its time or its shape.',
    todo: 'Have the person make a new one at their workstation.',
  }),
  'authority.fingerprint-differs': ({ fingerprint }) => ({
    what: `The imported keys have another fingerprint${fingerprint === undefined ? '' : `: ${fingerprint}`}.`,
    todo: 'Have the person read theirs out again. If it still differs, somebody has exchanged the request: certify nothing.',
  }),

  'audit.unavailable': () => ({ what: 'The audit cannot be written, so nothing may be done.', todo: 'Free disk space or repair the store, then try again.' }),
  'audit.broken': ({ line }) => ({
    what: `The audit does not hold${line === undefined ? '' : ` at line ${line}`}.`,
    todo: 'Keep the file as it is and report it to your security office.',
  }),

  'server.unreachable': ({ host, hop, proxy }) => ({
    what: proxy ? `The proxy ${proxy} does not answer as one.` : `${host ?? 'The server'} does not answer${hop === undefined ? '' : ` (${hop})`}.`,
    todo: 'Check the network; it is tried again by itself where something is open.',
  }),
  'server.identity-wrong': ({ host, issuer, proxy }) => ({
    what: `${proxy ? `The proxy ${proxy}` : (host ?? 'The server')} shows a certificate that is not its own${issuer ? `, issued by ${issuer}` : ''}.`,
    todo: proxy
      ? 'Ask site IT which authority vouches for the proxy, and name its file in the setting of the proxy.'
      : 'A proxy may be opening the connection. Ask site IT to let it through untouched.',
  }),
  'server.certificate-revoked': ({ host }) => ({
    what: `${host ?? 'The server'} shows a certificate that was revoked.`,
    todo: 'Somebody may use a stolen one. The operator of the server puts a new one in its place.',
  }),
  'server.keys-bad': () => ({ what: 'The list of the servers’ keys is not one that the authority has signed.', todo: `Have it signed again. ${report}` }),
  'server.keys-stale': () => ({
    what: 'The list of the servers’ keys is older than the one that is known.',
    todo: 'Use the newest one that the authority has signed.',
  }),
  'server.answer-bad': () => ({ what: 'The server’s answer was not understood.', todo: `Update this program. ${report}` }),
  'server.proxy-refused': byReason(proxyEn.refused, 'failed'),
  'proxy.setting-bad': byReason(proxyEn.setting, 'url'),
  'server.not-allowed': ({ host, port }) => ({
    what: `${host ?? 'A server'}${port === undefined ? '' : `:${port}`} is not on the device’s list of servers.`,
    todo: 'Ask whoever looks after the device to add it to the list, or report it to your security office.',
  }),

  'policy.key-wrong': ({ reason }) => ({
    what: reason === 'owner' ? 'This key does not own the policy of this device.' : 'The passphrase does not open this key.',
    todo: reason === 'owner' ? 'Use the key that signed it last.' : 'Type it again.',
  }),
  'policy.passkey-refused': ({ reason }) => ({
    what:
      {
        none: 'The policy pins no passkey that this page may ask for.',
        port: 'The port of the passkey page is taken.',
        time: 'Nobody used a passkey in time.',
      }[String(reason)] ?? 'What the browser answered is not what was asked, or the passkey is not one of the policy’s.',
    todo:
      { none: 'Make one with gantry-agent policy passkey, and pin it in approvers.', port: 'End the program that uses it, and try again.' }[String(reason)] ??
      'Nothing was signed. Run the command again.',
  }),
  'policy.setting-bad': ({ name }) => ({
    what: `${name === undefined || name === '' ? 'A setting' : `The setting ${name}`} is not known, or its value does not fit.`,
    todo: 'Nothing was changed. See the settings and their values with: gantry-agent policy show',
  }),
  'policy.unusable': ({ fault }) => ({
    what: `The policy that is there cannot be gone by (${fault ?? ''}), so there is nothing to change.`,
    todo: 'Put the last good file back, or start from the defaults with --fresh.',
  }),

  'update.key-wrong': () => ({ what: 'The passphrase does not open this key.', todo: 'Type it again.' }),
  'update.published': ({ name }) => ({
    what: `${name ?? 'That file'} is published already, with another content.`,
    todo: 'A published file never changes. Give the release another number and build it again.',
  }),
  'update.manifest-bad': () => ({
    what: 'What the main server offers as an update is not signed by the vendor’s update key.',
    todo: 'Nothing was taken of it. Report it to your security office: somebody may have altered the server.',
  }),
  'update.not-for-us': ({ field }) => ({
    what: `The update that is offered is for another kind of computer or installation${field === undefined ? '' : ` (${field})`}.`,
    todo: 'Nothing was taken of it. Tell whoever runs the main server.',
  }),
  'update.older': () => ({
    what: 'The main server offers an older list of updates than it did before.',
    todo: 'Nothing was taken of it. Report it to your security office: somebody may be holding updates back.',
  }),
  'update.expired': ({ since }) => ({
    what: `The list of updates has not been renewed${since === undefined ? '' : ` since ${since}`}, so it no longer counts.`,
    todo: 'Check this computer’s clock. If it is right, tell whoever runs the main server: updates may be held back.',
  }),
  'update.none': () => ({ what: 'The main server offers no updates of this app.', todo: 'Ask whoever runs it where new versions come from.' }),
  'update.file-bad': ({ name }) => ({
    what: `${name ?? 'The file'} is not what the vendor signed.`,
    todo: 'It was thrown away. Try again; if it happens once more, report it to your security office.',
  }),
  'update.unsupported': () => ({ what: 'This installation does not update itself.', todo: 'Install new versions the way that this one was installed.' }),
  'update.not-ready': () => ({ what: 'No update is ready to be installed.', todo: 'Look for one, and wait until it is here.' }),
  'update.install-failed': ({ path }) => ({
    what: 'The update could not be installed.',
    todo:
      path === undefined || path === ''
        ? 'The version before is in its place. Try again.'
        : `If Gantry does not start any more, open the version before: ${path}`,
  }),

  'state.in-use': ({ folder, pid }) => ({
    what: `${folder ?? 'The state folder'} is in use${pid === undefined ? '' : ` by process ${pid}`}.`,
    todo: 'Stop the other one, or choose another folder.',
  }),
  'state.unreadable': ({ path }) => ({
    what: `${path ?? 'A state file'} cannot be read.`,
    todo: 'Restore it from a backup, or start with a fresh state folder.',
  }),
  'state.unwritable': ({ path, reason }) => ({
    what: `${path ?? 'The state folder'} cannot be written${reason === undefined ? '' : ` (${reason})`}.`,
    todo: 'Give it back to its owner, or free space on the disk.',
  }),
  'port.busy': ({ port }) => ({ what: `Port ${port ?? ''} is taken by another program.`, todo: 'Stop that program, or choose another port.' }),
  'prerequisite.missing': ({ names, command }) => ({ what: `Missing: ${names ?? ''}.`, todo: `Install with: ${command ?? ''}` }),
  'sandbox.not-running': ({ folder }) => ({
    what: `No sandbox runs in ${folder ?? 'that folder'}.`,
    todo: 'Start it with npm start, or with npm run sandbox -- --state FOLDER.',
  }),
  'panel.nothing-waiting': () => ({ what: 'Nothing waits for an answer at this device.', todo: 'Use --next to wait for the next request.' }),
  'panel.unknown-device': () => ({ what: 'This sandbox has no such device.', todo: 'Use an id or a name from the list of devices.' }),

  'contract.bad-input': ({ field }) => ({ what: `${field ?? 'The input'} is not as it should be.`, todo: 'Correct it and try again.' }),
  'contract.unknown-name': () => ({ what: 'This version does not know that request.', todo: 'Update the older side.' }),
  'contract.too-large': () => ({ what: 'That is too large.', todo: 'Shorten it and try again.' }),
  'usage.bad': ({ problem }) => ({ what: `${problem ?? 'The command was not understood.'}`, todo: 'See --help.' }),
  'usage.not-in-package': ({ option }) => ({
    what: `An installed Gantry does not take ${option ?? 'this option'}: what it trusts was installed with it.`,
    todo: 'Start it without. An administrator changes gantry.json beside the app.',
  }),
  internal: () => ({ what: 'Something failed on our side.', todo: report }),
}
