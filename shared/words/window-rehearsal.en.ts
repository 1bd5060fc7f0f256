/** A rehearsal on a practice device, and the mark of such a device. */
export const rehearsalEn = {
  mark: 'Practice',
  markTitle: 'For rehearsals: no patient is near it',
  offer: 'Rehearse a call on the practice device',
  offerText: (device: string) => `A real session with ${device} in five short steps. No patient is near it.`,
  begin: 'Begin',
  later: 'Not now',
  title: 'Rehearsal',
  steps: { ask: 'Ask', answer: 'Answer', command: 'Command', file: 'File', end: 'End' },
  now: {
    ask: 'The form is filled in. Read what the device will show, then sign and send.',
    answer: 'On a call you read the code out now. The person at the device compares it and answers.',
    command: 'Type a command in the terminal, for example “uptime”, and press Enter.',
    file: 'Mark a file on the device’s side and press F5: it comes to this computer.',
    end: (keys: string) => `End the session: ${keys}, then Enter.`,
  },
  stopped: {
    refused: 'The request came to nothing. Ask again.',
    ended: 'The session ended before a command and a file. Ask again.',
  },
  over: 'That was a whole call. The device, the main server and this computer each have it on record.',
  openForm: 'Open the form',
  showRequest: 'Show the request',
  showSession: 'Show the session',
  leave: 'Leave the rehearsal',
  /** Stands in the request, and is read at the device. */
  reason: 'Rehearsal',
  none: 'A practice device lets you rehearse a whole call. None is assigned to you; the vendor’s office can assign one.',
}
export type RehearsalWords = typeof rehearsalEn
