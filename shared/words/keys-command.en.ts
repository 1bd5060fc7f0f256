/** What the main server's command for keys and certificates says. */
export const keysCommandEn = {
  usage: [
    'keys show   --config FILE [--json]',
    'keys create --config FILE [--servers-ca FOLDER]',
    'keys rotate server-certificate --config FILE --servers-ca FOLDER [--days 90]',
    'keys rotate ticket-key         --config FILE --request LIST.json [--overlap-days 14 | --at-once]',
    'keys rotate device-ca          --config FILE --request LIST.json',
    'keys retire ticket-key | device-ca --config FILE --request LIST.json',
    'keys revoke server-certificate --config FILE --certificate FILE --request LIST.json',
    '',
    '  show         every key and certificate with its fingerprint, its dates, and what counts beside it',
    '  create       makes what is missing, each file readable by its owner alone; nothing is written over',
    '  rotate       makes the next one; a server that runs takes it over by itself',
    '  retire       the ticket keys or device CAs before the one in use count no more; show says how many devices still have a certificate of such a CA',
    '  --config     the server’s own config; for a server certificate, an access server’s too',
    '  --servers-ca the folder of the CA that certifies servers (made by create); keep it away from the servers',
    '  --request    the list for the security office: two officers sign it with authority server-keys, and the result goes where the roster goes',
    '  --at-once    rotates and retires in one step: for what was stolen. Open sessions that need another connection end',
  ],
  width: 20,
  what: { 'ticket-key': 'Ticket key', 'device-ca': 'Device CA', 'server-certificate': 'Server certificate', authority: 'Authority' },
  state: { 'in-use': 'in use', waits: 'waits for the list', beside: 'counts beside it', over: 'over', revoked: 'revoked' },
  dates: (from: string | null, until: string | null) => [from === null ? '' : `from ${from}`, until === null ? '' : `until ${until}`].filter(Boolean).join(' '),
  devices: (count: number) => (count === 1 ? '1 device' : `${count} devices`),
  list: (list: { number: number; issuedAt: string } | null) =>
    list ? `List ${list.number}, signed ${list.issuedAt} (all times UTC)` : 'No list yet: what the devices pinned when they were enrolled counts.',
  requested: (path: string, fingerprint: string) => `${path} is for the security office. Fingerprint to be read out: ${fingerprint}`,
  certified: (hosts: string) => `New certificate for ${hosts}. A server that runs takes it over within two seconds.`,
  unknown: (command: string) => `There is no command ${command}.`,
  missing: (name: string) => `--${name} is missing.`,
  badDays: (name: string) => `--${name} is a whole number of days, 1 or more.`,
}
export type KeysCommandWords = typeof keysCommandEn
