import type { SignInWords } from './sign-in.en.ts'

export const signInFr: SignInWords = {
  language: 'fr',
  title: 'Connexion à Gantry',
  steps: { label: 'Étapes', password: 'Mot de passe', code: 'Code', done: 'Retour à l’appli', upstream: 'Votre organisation' },
  asked: 'Gantry sur cet ordinateur a demandé cette connexion.',
  notYou: 'Si ce n’est pas vous, fermez cette page.',
  password: {
    heading: 'Connexion',
    username: 'Nom d’utilisateur',
    password: 'Mot de passe',
    button: 'Continuer',
    wrong: 'Le nom d’utilisateur et le mot de passe ne concordent pas. Vérifiez-les et réessayez.',
  },
  code: {
    heading: 'Code de votre authentificateur',
    forWhom: (organisation, username) => `Six chiffres pour ${organisation}, ${username}`,
    field: 'Code à six chiffres',
    button: 'Se connecter',
    wrong: 'Le code ne correspond pas. Vérifiez l’heure de cet ordinateur, puis tapez le code affiché maintenant.',
  },
  upstream: {
    heading: (name) => `Connexion par ${name}`,
    text: 'Votre organisation vous connecte. Vous revenez ensuite ici.',
    again: 'Réessayer',
  },
  done: { heading: 'La connexion est faite', text: 'Gantry est revenu au premier plan. Vous pouvez fermer cet onglet.' },
  over: { heading: 'Cette connexion est terminée', text: 'Elle a pris trop de temps ou est déjà faite. Retournez à Gantry et recommencez.' },
  refused: {
    heading: 'Cette connexion n’a pas été lancée correctement',
    text: 'Retournez à Gantry et recommencez. Si cela se répète, signalez-le avec ce code.',
  },
  sandbox: {
    label: 'Bac à sable',
    codeNow: 'Le code actuel est',
    nextCode: (seconds) => `Ce code a déjà servi. Le prochain arrive dans ${seconds} s.`,
  },
  other: { tag: 'en', name: 'English' },
}
