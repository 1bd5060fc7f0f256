/** The page in the browser after a sign-in. */
export const signInAnswerEn = {
  done: { title: 'You are signed in', text: 'Close this page and go back to Gantry.' },
  failed: { title: 'The sign-in did not work', text: 'Close this page, go back to Gantry and sign in again.' },
}
export type SignInAnswerWords = typeof signInAnswerEn
