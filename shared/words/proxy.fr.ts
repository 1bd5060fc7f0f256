import type { ProxyWords } from './proxy.en.ts'

export const proxyFr: ProxyWords = {
  refused: {
    'credentials-missing': ({ proxy, offers }) => ({
      what: `Le mandataire ${proxy} demande un nom d’utilisateur et un mot de passe (${offers}), et aucun n’est réglé.`,
      todo: 'Demandez-les aux TI du site et placez-les où le dit le réglage du mandataire.',
    }),
    'credentials-wrong': ({ proxy, retrySeconds }) => ({
      what: `Le mandataire ${proxy} n’accepte pas le nom d’utilisateur ou le mot de passe.`,
      todo: `Corrigez-les avec les TI du site. ${retrySeconds === undefined ? 'Les mêmes sont rarement réessayés' : `Les mêmes sont réessayés dans ${retrySeconds} s`}, pour ne bloquer aucun compte; de nouveaux le sont tout de suite.`,
    }),
    'scheme-unknown': ({ proxy, offers }) => ({
      what: `Le mandataire ${proxy} demande une façon de s’identifier qui n’est pas prise en charge (${offers}).`,
      todo: 'Demandez aux TI du site de laisser passer cet ordinateur sans identification, ou avec Basic ou Digest.',
    }),
    forbidden: ({ proxy, host, port }) => ({
      what: `Le mandataire ${proxy} ne permet pas ${host}:${port}.`,
      todo: `Demandez aux TI du site de permettre CONNECT vers ${host}:${port}.`,
    }),
    failed: ({ proxy, host, port, status }) => ({
      what: `Le mandataire ${proxy} n’a pas atteint ${host}:${port} (${status}).`,
      todo: 'Un nouvel essai se fait de lui-même; si cela dure, demandez aux TI du site ce que dit le journal du mandataire.',
    }),
  },
  setting: {
    url: ({ setting }) => ({
      what: `${setting} ne nomme aucun mandataire.`,
      todo: 'Écrivez http://HÔTE:PORT, ou https://HÔTE:PORT là où le mandataire parle lui-même TLS.',
    }),
    'secret-in-url': ({ setting }) => ({
      what: `${setting} contient un nom d’utilisateur ou un mot de passe, qui finirait dans des journaux et des listes de processus.`,
      todo: 'Retirez-les de l’adresse et placez-les où le dit le réglage du mandataire.',
    }),
    except: ({ setting }) => ({
      what: `${setting} contient une entrée qui n’est ni hôte, ni domaine, ni adresse, ni réseau.`,
      todo: 'Utilisez des entrées comme hospital.example, .hospital.example, 10.0.0.0/8 ou host:8443.',
    }),
    credentials: ({ setting }) => ({
      what: `${setting} ne peut pas être un nom d’utilisateur et un mot de passe de mandataire.`,
      todo: 'Un nom d’utilisateur n’a pas de deux-points; aucun des deux n’a de saut de ligne.',
    }),
    file: ({ setting }) => ({ what: `${setting} ne peut pas être lu ou n’a pas la forme voulue.`, todo: 'Il contient {"user":"…","password":"…"}.' }),
    'file-open': ({ setting }) => ({
      what: `${setting} peut être lu par d’autres.`,
      todo: 'Rendez-le lisible par le seul utilisateur du programme (chmod 600).',
    }),
    pac: ({ setting }) => ({
      what: `La configuration de mandataire ${setting} ne peut pas être lue ou ne fonctionne pas.`,
      todo: 'Demandez à vos TI si son adresse est juste.',
    }),
    'pac-answer': ({ setting }) => ({
      what: `La configuration de mandataire ${setting} ne nomme aucun chemin pris en charge.`,
      todo: 'Demandez à vos TI un mandataire HTTP (PROXY ou HTTPS); SOCKS n’est pas parlé.',
    }),
  },
}
