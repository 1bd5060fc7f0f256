import type { KeysCommandWords } from './keys-command.en.ts'

export const keysCommandFr: KeysCommandWords = {
  usage: [
    'keys show   --config FICHIER [--json]',
    'keys create --config FICHIER [--servers-ca DOSSIER]',
    'keys rotate server-certificate --config FICHIER --servers-ca DOSSIER [--days 90]',
    'keys rotate ticket-key         --config FICHIER --request LISTE.json [--overlap-days 14 | --at-once]',
    'keys rotate device-ca          --config FICHIER --request LISTE.json',
    'keys retire ticket-key | device-ca --config FICHIER --request LISTE.json',
    'keys revoke server-certificate --config FICHIER --certificate FICHIER --request LISTE.json',
    '',
    '  show         chaque clé et certificat avec son empreinte, ses dates et ce qui compte à côté',
    '  create       fait ce qui manque, chaque fichier lisible par son seul propriétaire; rien n’est remplacé',
    '  rotate       fait le suivant; un serveur en marche le prend de lui-même',
    '  retire       les clés de billets ou les autorités d’appareils d’avant celle en service ne comptent plus; show dit combien d’appareils en ont encore un certificat',
    '  --config     la configuration du serveur; pour un certificat de serveur, aussi celle d’un serveur d’accès',
    '  --servers-ca le dossier de l’autorité qui certifie les serveurs (fait par create); gardez-le loin des serveurs',
    '  --request    la liste pour le bureau de sécurité : deux agents la signent avec authority server-keys, et le résultat va où va le registre',
    '  --at-once    remplace et retire en une étape : pour ce qui a été volé. Les séances ouvertes qui ont besoin d’une autre connexion finissent',
  ],
  width: 24,
  what: { 'ticket-key': 'Clé de billets', 'device-ca': 'Autorité d’appareils', 'server-certificate': 'Certificat du serveur', authority: 'Autorité' },
  state: { 'in-use': 'en service', waits: 'attend la liste', beside: 'compte à côté', over: 'terminée', revoked: 'révoqué' },
  dates: (from, until) => [from === null ? '' : `du ${from}`, until === null ? '' : `au ${until}`].filter(Boolean).join(' '),
  devices: (count) => (count < 2 ? `${count} appareil` : `${count} appareils`),
  list: (list) =>
    list
      ? `Liste ${list.number}, signée le ${list.issuedAt} (heures UTC)`
      : 'Pas encore de liste : ce que les appareils ont épinglé à leur inscription compte.',
  requested: (path, fingerprint) => `${path} est pour le bureau de sécurité. Empreinte à lire à voix haute : ${fingerprint}`,
  certified: (hosts) => `Nouveau certificat pour ${hosts}. Un serveur en marche le prend en moins de deux secondes.`,
  unknown: (command) => `Il n’y a pas de commande ${command}.`,
  missing: (name) => `Il manque --${name}.`,
  badDays: (name) => `--${name} est un nombre entier de jours, au moins 1.`,
}
