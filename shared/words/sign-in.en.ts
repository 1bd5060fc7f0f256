/** The pages on which a specialist signs in, drawn by the main server. */
export const signInEn = {
  language: 'en',
  title: 'Sign in to Gantry',
  steps: { label: 'Steps', password: 'Password', code: 'Code', done: 'Back to the app', upstream: 'Your organisation' },
  asked: 'Gantry on this computer asked for this sign-in.',
  notYou: 'If you did not start it, close this page.',
  password: {
    heading: 'Sign in',
    username: 'User name',
    password: 'Password',
    button: 'Continue',
    wrong: 'User name and password do not fit. Check them and try again.',
  },
  code: {
    heading: 'Code from your authenticator',
    forWhom: (organisation: string, username: string) => `Six digits for ${organisation}, ${username}`,
    field: 'Six-digit code',
    button: 'Sign in',
    wrong: 'The code did not match. Check that this computer’s clock is right, then type the code that is shown now.',
  },
  upstream: {
    heading: (name: string) => `Sign in with ${name}`,
    text: 'Your organisation signs you in. Then you come back here.',
    again: 'Try again',
  },
  done: { heading: 'You are signed in', text: 'Gantry is in front again. You can close this tab.' },
  over: { heading: 'This sign-in is over', text: 'It took too long, or was finished already. Go back to Gantry and start again.' },
  refused: { heading: 'This sign-in was not started properly', text: 'Go back to Gantry and start again. If it happens twice, report it with this code.' },
  sandbox: {
    label: 'Sandbox',
    codeNow: 'The code now is',
    nextCode: (seconds: number) => `This code was used once. The next one comes in ${seconds} s.`,
  },
  other: { tag: 'fr', name: 'Français' },
}
export type SignInWords = typeof signInEn
