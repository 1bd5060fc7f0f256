import type { AccessLevel, ServiceKind } from '../profile.ts'

/** What the customer's contact outside the device reads: the mail and the page behind its link. */
export const noticeEn = {
  language: 'en',
  other: { tag: 'fr', name: 'Français' },
  subject: (device: string, caseId: string) => `Remote service asked for: ${device}, case ${caseId}`,
  lead: (name: string, device: string) => `${name} asks for a remote service session with ${device}.`,
  told: 'You are told before it starts. You can refuse it: then it does not start, or ends if it has started.',
  accepted: (until: string) => `It starts only if you accept it by ${until}. Without an answer it is refused.`,
  device: 'The device decides as well, by its own rules, and shows the reason to whoever is asked there.',
  facts: {
    who: 'Who',
    from: 'From',
    tier: 'Support tier',
    device: 'Device',
    site: 'Site',
    level: 'Access',
    kind: 'Purpose',
    case: 'Case',
    minutes: 'For at most',
    why: 'Why you are told',
  },
  line: (name: string, value: string) => `${name}: ${value}`,
  deviceName: (name: string, serial: string) => `${name} (${serial})`,
  minutes: (minutes: number) => `${minutes} minutes`,
  escalated: 'The case was escalated to somebody from where you otherwise admit nobody.',
  rule: 'Your rules ask for it.',
  levels: {
    diagnostics: 'Diagnostics: actions that change nothing',
    files: 'Files: the service folders',
    application: 'Application: the service menu of the device',
    os: 'Operating system: a shell in an account of its own',
  } satisfies Record<AccessLevel, string>,
  kinds: {
    installation: 'Installation',
    monitoring: 'Monitoring',
    support: 'Support',
    maintenance: 'Maintenance',
    update: 'Update',
  } satisfies Record<ServiceKind, string>,
  link: 'Answer here. The link is yours alone and counts once:',
  automatic: 'This message was sent by a program. Replies are not read.',
  page: {
    title: 'Remote service',
    context: 'Gantry tells you of a session with one of your devices.',
    heading: (device: string) => `A session with ${device}`,
    refuse: 'Refuse',
    accept: 'Accept',
    refused: { heading: 'Refused', text: 'The session does not start, and ends at once if it had started. You can close this page.' },
    acceptedNow: { heading: 'Accepted', text: 'The device decides next, by its own rules. You can close this page.' },
    over: {
      heading: 'This link does not count any more',
      text: 'It was used, its time is over, or the session it was about is. To end a session that runs, press End at the device.',
    },
  },
}
export type NoticeWords = typeof noticeEn
