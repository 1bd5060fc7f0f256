import type { PassportWords } from './passport.en.ts'

export const passportFr: PassportWords = {
  locale: 'fr-CA',
  title: 'Passeport pare-feu',
  subtitle: 'Ce que le réseau doit laisser passer pour le service à distance, et ce qu’il laisse passer maintenant',
  ofDevice: (device) => `Appareil : ${device}`,
  madeAt: (when) => `Vérifié le ${when}`,
  verdict: {
    running: { short: 'Vérification en cours', text: 'Chaque hôte est interrogé à son tour.' },
    open: { short: 'Tout passe', text: 'Le réseau laisse passer tout ce qu’il faut au service à distance.' },
    limited: { short: 'Cela fonctionne, avec moins de réserve', text: 'Un chemin est ouvert. Un autre, de secours, ne l’est pas.' },
    closed: { short: 'Cela ne peut pas encore fonctionner', text: 'Quelque chose dont le service à distance a besoin ne passe pas.' },
  },
  needs: 'Hôtes et ports',
  needsText: 'Sortant seulement. Rien ne se connecte jamais à l’appareil, et il n’écoute sur rien.',
  proxyText: (proxy) => `L’appareil passe par le mandataire ${proxy}. Celui-ci doit accepter CONNECT vers ces hôtes et ne pas ouvrir le TLS.`,
  columns: { purpose: 'Usage', host: 'Hôte', port: 'Port', addresses: 'Adresses', site: 'Site', result: 'Résultat' },
  purpose: { 'main-server': 'Serveur principal', enrolment: 'Inscription, une fois', 'access-server': 'Serveur d’accès' },
  byName: 'par DNS',
  hops: { dns: 'Nom', proxy: 'Mandataire', tcp: 'Connexion', tls: 'Identité', answer: 'Réponse', upgrade: 'Tunnel' },
  results: { waiting: 'en attente', passes: 'passe', fails: 'échoue', 'not-tried': 'non essayé' },
  notNeeded: 'n’est plus nécessaire',
  clock: {
    title: 'Horloge',
    unknown: 'Aucun serveur n’a dit l’heure; elle n’a pas pu être comparée.',
    fits: (seconds) => (seconds === 0 ? 'L’appareil et le serveur ont la même heure.' : `${apart(seconds)}. C’est assez près.`),
    off: (seconds) => `${apart(seconds)}. Les messages signés seront refusés.`,
    ask: 'Réglez l’horloge de l’appareil, ou laissez-le joindre votre serveur de temps.',
  },
  asks: 'Ce qu’il faut demander',
  asksText: 'Une phrase chacun, à copier dans une demande aux TI.',
  nothingToAsk: 'Rien. Tout passe.',
  seen: (what) => `Constaté : ${what}`,
  page: 'Noms, adresses et ports seulement. Cette page ne contient ni mot de passe, ni clé, ni donnée de patient.',
  trouble: {
    'name-unknown': ({ host, reason }) => ({
      what: `${host} : le DNS ne connaît pas ce nom (${reason}).`,
      ask: `Veuillez permettre à l’appareil de résoudre ${host} par DNS, ou inscrire ses adresses documentées dans l’appareil.`,
    }),
    'no-connection': ({ host, port, reason }) => ({
      what: `${host}:${port} ne répond pas (${reason}).`,
      ask: `Veuillez autoriser le TCP sortant de l’appareil vers ${host}, port ${port}.`,
    }),
    'proxy-unreachable': ({ proxy, reason }) => ({
      what: `Le mandataire ${proxy} ne répond pas (${reason}).`,
      ask: `Veuillez autoriser le TCP sortant de l’appareil vers le mandataire ${proxy}, ou donner la bonne adresse du mandataire.`,
    }),
    'proxy-certificate': ({ proxy, issuer }) => ({
      what: `Le mandataire ${proxy} montre un certificat que l’appareil ne croit pas, émis par « ${issuer} ».`,
      ask: `Veuillez donner à l’appareil le certificat de l’autorité qui répond du mandataire ${proxy} (« ${issuer} »).`,
    }),
    'proxy-credentials': ({ proxy, reason }) => ({
      what: `Le mandataire ${proxy} demande à l’appareil de s’authentifier (${reason}).`,
      ask: `Veuillez donner à l’appareil un nom et un mot de passe pour le mandataire ${proxy} (Basic ou Digest), ou le laisser passer sans.`,
    }),
    'proxy-forbids': ({ proxy, host, port, status }) => ({
      what: `Le mandataire ${proxy} interdit ${host}:${port} (${status}).`,
      ask: `Veuillez faire accepter au mandataire ${proxy} le CONNECT de l’appareil vers ${host}, port ${port}.`,
    }),
    'proxy-fails': ({ proxy, host, port, status }) => ({
      what: `Le mandataire ${proxy} ne peut pas joindre ${host}:${port} (${status}).`,
      ask: `Veuillez vérifier que le mandataire ${proxy} peut lui-même résoudre et joindre ${host}, port ${port}.`,
    }),
    intercepted: ({ host, issuer }) => ({
      what: `${host} : le TLS est ouvert en chemin. Le certificat montré a été émis par « ${issuer} ».`,
      ask: `Veuillez exempter ${host} de l’inspection TLS (faite par « ${issuer} ») : les deux côtés s’authentifient par certificat, cela ne peut donc pas fonctionner avec elle.`,
    }),
    'certificate-date': ({ host, reason }) => ({
      what: `${host} : le certificat n’est pas valide aujourd’hui, selon l’horloge de l’appareil (${reason}).`,
      ask: 'Réglez l’horloge de l’appareil, ou laissez-le joindre votre serveur de temps.',
    }),
    'wrong-certificate': ({ host, reason }) => ({
      what: `${host} : un autre serveur répond sous ce nom (${reason}).`,
      ask: `Veuillez vérifier où mènent le DNS et le routage pour ${host} : un autre serveur répond.`,
    }),
    'tls-cut': ({ host, port, reason }) => ({
      what: `${host}:${port} : la connexion est coupée au début du TLS (${reason}).`,
      ask: `Veuillez laisser passer le TLS vers ${host}, port ${port}, sans inspection ni filtre applicatif.`,
    }),
    'no-answer': ({ host, port, reason }) => ({
      what: `${host}:${port} : connecté, mais sans réponse (${reason}).`,
      ask: `Veuillez vérifier que rien, entre l’appareil et ${host}, port ${port}, ne coupe une connexion permise.`,
    }),
    'no-upgrade': ({ host, port, reason }) => ({
      what: `${host}:${port} : rien ne passe après le changement vers un tunnel (${reason}).`,
      ask: `Veuillez laisser passer, sans filtre applicatif, les connexions TLS de longue durée vers ${host}, port ${port}.`,
    }),
  },
}

function apart(seconds: number): string {
  const count = Math.abs(seconds)
  return `L’appareil ${seconds > 0 ? 'avance' : 'retarde'} de ${count} ${count === 1 ? 'seconde' : 'secondes'}`
}
