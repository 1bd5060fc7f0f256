import type { SignInAnswerWords } from './sign-in-answer.en.ts'

export const signInAnswerFr: SignInAnswerWords = {
  done: { title: 'Vous avez ouvert la session', text: 'Fermez cette page et revenez à Gantry.' },
  failed: { title: "L'ouverture de session a échoué", text: 'Fermez cette page, revenez à Gantry et recommencez.' },
}
