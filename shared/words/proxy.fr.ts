import type { ErrorDetails } from '../errors.ts'
import type { ProxyWords } from './proxy.en.ts'

const theProxy = ({ proxy }: ErrorDetails) => (proxy === undefined ? 'Le mandataire' : `Le mandataire ${proxy}`)
const theServer = ({ host, port }: ErrorDetails) => (host === undefined ? 'le serveur' : `${host}${port === undefined ? '' : `:${port}`}`)
const inBrackets = (fact: string | number | undefined) => (fact === undefined ? '' : ` (${fact})`)
const theSetting = ({ setting }: ErrorDetails) => (setting === undefined ? 'Un réglage du mandataire' : `${setting}`)
const thePac = ({ setting }: ErrorDetails) => (setting === undefined ? 'La configuration de mandataire' : `La configuration de mandataire ${setting}`)

export const proxyFr: ProxyWords = {
  refused: {
    'credentials-missing': (details) => ({
      what: `${theProxy(details)} demande un nom d’utilisateur et un mot de passe${inBrackets(details.offers)}, et aucun n’est réglé.`,
      todo: 'Demandez-les aux TI du site et placez-les où le dit le réglage du mandataire.',
    }),
    'credentials-wrong': ({ retrySeconds, ...details }) => ({
      what: `${theProxy(details)} n’accepte pas le nom d’utilisateur ou le mot de passe.`,
      todo: `Corrigez-les avec les TI du site. ${retrySeconds === undefined ? 'Les mêmes sont rarement réessayés' : `Les mêmes sont réessayés dans ${retrySeconds} s`}, pour ne bloquer aucun compte; de nouveaux le sont tout de suite.`,
    }),
    'scheme-unknown': (details) => ({
      what: `${theProxy(details)} demande une façon de s’identifier qui n’est pas prise en charge${inBrackets(details.offers)}.`,
      todo: 'Demandez aux TI du site de laisser passer cet ordinateur sans identification, ou avec Basic ou Digest.',
    }),
    forbidden: (details) => ({
      what: `${theProxy(details)} ne permet pas ${theServer(details)}.`,
      todo: `Demandez aux TI du site de permettre CONNECT vers ${theServer(details)}.`,
    }),
    failed: (details) => ({
      what: `${theProxy(details)} n’a pas atteint ${theServer(details)}${inBrackets(details.status)}.`,
      todo: 'Un nouvel essai se fait de lui-même; si cela dure, demandez aux TI du site ce que dit le journal du mandataire.',
    }),
  },
  setting: {
    url: (details) => ({
      what: `${theSetting(details)} ne nomme aucun mandataire.`,
      todo: 'Écrivez http://HÔTE:PORT, ou https://HÔTE:PORT là où le mandataire parle lui-même TLS.',
    }),
    'secret-in-url': (details) => ({
      what: `${theSetting(details)} contient un nom d’utilisateur ou un mot de passe, qui finirait dans des journaux et des listes de processus.`,
      todo: 'Retirez-les de l’adresse et placez-les où le dit le réglage du mandataire.',
    }),
    except: (details) => ({
      what: `${theSetting(details)} contient une entrée qui n’est ni hôte, ni domaine, ni adresse, ni réseau.`,
      todo: 'Utilisez des entrées comme hospital.example, .hospital.example, 10.0.0.0/8 ou host:8443.',
    }),
    credentials: (details) => ({
      what: `${theSetting(details)} ne peut pas être un nom d’utilisateur et un mot de passe de mandataire.`,
      todo: 'Un nom d’utilisateur n’a pas de deux-points; aucun des deux n’a de saut de ligne.',
    }),
    file: (details) => ({ what: `${theSetting(details)} ne peut pas être lu ou n’a pas la forme voulue.`, todo: 'Il contient {"user":"…","password":"…"}.' }),
    'file-open': (details) => ({
      what: `${theSetting(details)} peut être lu par d’autres.`,
      todo: 'Rendez-le lisible par le seul utilisateur du programme (chmod 600).',
    }),
    pac: (details) => ({
      what: `${thePac(details)} ne peut pas être lue ou ne fonctionne pas.`,
      todo: 'Demandez à vos TI si son adresse est juste.',
    }),
    'pac-answer': (details) => ({
      what: `${thePac(details)} ne nomme aucun chemin pris en charge.`,
      todo: 'Demandez à vos TI un mandataire HTTP (PROXY ou HTTPS); SOCKS n’est pas parlé.',
    }),
  },
}
