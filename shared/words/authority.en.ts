/** The offline authority's commands: help, and what two officers read before they agree. */
type Person = { username: string; name: string; employer: string; country: string }
type ServerKeysText = { ticketKeys: readonly { until: number | null }[]; deviceCas: readonly string[]; revoked: readonly string[] }

export const authorityEn = {
  about: 'Certifies specialists’ keys and signs the roster. Runs offline; each signature takes two officers.',
  init: 'Makes the authority’s key and its first officers. Once: every device pins the key when it is enrolled.',
  import: 'Takes in a workstation’s request and shows its short fingerprint.',
  certify: 'Certifies one person for 90 days, then signs the next roster.',
  rotate: 'Certifies new keys of a person in place of the old ones, then signs the next roster.',
  revoke: 'Takes a person out, then signs the next roster. Devices follow with their next poll.',
  roster: 'Signs the next roster over everyone who is certified now, for 14 days.',
  serverKeys: 'Lists which keys speak for the servers, then signs the next roster. Devices follow with their next poll.',
  serverKeysRequest: 'the file that the main server’s command keys made',
  serverKeysFingerprint: 'the short fingerprint as the operator of the main server reads it out',
  rotateKey: 'Changes the authority’s own key: the next one signs everything again that counts, and the roster. Devices follow with their next poll.',
  pinKey: 'Makes the next key and says that no other may follow. Devices hold on to that, also against a thief of the key in use.',
  retireKey: 'Ends the keys before the one in use at once.',
  overlapDays: 'how many days the key before it still counts for certificates, 1 to 90',
  atOnce: 'the key before it counts no more: for one that was stolen',
  restore: 'Goes on from a copy after the newest folder was lost, above the roster that was published last.',
  officerAbout: 'The people who may agree to a signature.',
  officerAdd: 'Adds an officer; two others agree.',
  officerRemove: 'Removes an officer; two agree, and two have to stay.',
  list: 'Shows officers, certified people, the roster, and what is due.',
  log: 'Prints the authority’s own audit, one event a line.',
  verify: 'Checks the audit and both signatures of every statement; with --out also that this folder is the newest.',
  fingerprint: 'Shows the public key and its fingerprint, to be compared by voice or on paper.',
  folder: 'the authority’s own folder',
  out: 'the folder that is carried to the main server, as it was last written',
  request: 'the file that the person’s workstation made',
  requestToo: 'take in this file first',
  username: 'the person’s username',
  fingerprintTyped: 'the short fingerprint as the person reads it out from their own screen',
  reason: 'why, for the audit',
  officer: 'an officer who agrees; give two',
  founder: 'name of a first officer (a-z, 0-9, -); give two or more, better three',
  officerName: 'the name of the officer (a-z, 0-9, -)',
  imported: ({ username, name, employer, country }: Person, fingerprint: string) =>
    `${name} (${username}), ${employer}, ${country}. Short fingerprint: ${fingerprint}. Call the person and have it read out from their screen.`,
  statement: 'Both officers agree that the authority signs this:',
  acts: {
    certify: ({ person, fingerprint, replaces }: { person: Person; fingerprint: string; replaces: string | null }) => [
      `Certificate for ${person.name} (${person.username}), ${person.employer}, ${person.country}`,
      `for the keys ${fingerprint}`,
      ...(replaces === null ? [] : [`in place of the keys ${replaces}, which stop counting`]),
    ],
    revoke: ({ username, reason }: { username: string; reason: string }) => [`${username} is certified no more: ${reason}`],
    roster: () => ['A new roster, without any other change'],
    'server-keys': ({ keys, fingerprint }: { keys: ServerKeysText; fingerprint: string }) => [
      `The list ${fingerprint} of the servers’ keys`,
      ...keys.ticketKeys.map(({ until }, at) =>
        until === null
          ? 'one ticket key that signs from now on'
          : `the ticket key number ${at + 1}, which counts until ${new Date(until * 1_000).toISOString()}`,
      ),
      `device CAs that count: ${keys.deviceCas.length}; server certificates that count no more: ${keys.revoked.length}`,
    ],
    'rotate-key': ({ key, until }: { key: { x: string }; until: number }) => [
      `Another key of the authority, ${key.x}, signs from now on`,
      `the key before it counts until ${new Date(until * 1_000).toISOString()}`,
      'everybody who is certified now, and the list of the servers’ keys, are signed again',
    ],
    'pin-key': ({ key }: { key: { x: string } }) => [`No key but ${key.x} may follow the one in use`],
    'retire-key': ({ until }: { until: number }) => [`The keys before the one in use count no more after ${new Date(until * 1_000).toISOString()}`],
    'add-officer': ({ name }: { name: string }) => [`${name} becomes an officer`],
    'remove-officer': ({ name }: { name: string }) => [`${name} is an officer no more`],
    restore: ({ published, gone }: { published: number; gone: readonly string[] }) => [
      `This folder is a copy; it goes on above roster ${published}.`,
      `People who are not on that roster with these keys, and are taken out: ${gone.length}`,
    ],
  },
  rosterNumber: (number: number) => `Roster ${number}, for 14 days`,
  passphrase: (name: string) => `Passphrase of ${name}, to agree: `,
  newPassphrase: (name: string) => `New passphrase of ${name} (12 characters or more): `,
  passphraseAgain: 'Once more: ',
  passphraseMissing: (name: string) => `The passphrase of ${name} is missing.`,
  passphrasesDiffer: 'The two passphrases differ.',
}
export type AuthorityWords = typeof authorityEn
