import type { Subject } from './sights.ts'

export const dresses = ['light', 'dark', 'contrast', 'french', 'narrow'] as const
export type Dress = (typeof dresses)[number]

export const fileOf = (scene: string, dress: Dress) => `${scene}-${dress}.webp`

const titles = { light: 'Light', dark: 'Dark', contrast: 'High contrast', french: 'French', narrow: 'Narrow, French, dark' }
const parts = {
  window: { title: 'The window', text: 'The window and its host are the real ones; what the services answer is written in `test/window/support/`.' },
  panel: {
    title: 'The front panel',
    text: 'The page on the device’s own screen, as the sandbox serves it; what the agent tells it is written in `test/screens/panel-scenes.ts`.',
  },
  page: { title: 'Pages of the main server', text: 'Where a specialist signs in, in the system’s browser.' },
}

/** All of a screen; of its further states the two that differ most: the repository holds every picture for ever. */
export function isKept({ isState }: Subject, dress: Dress): boolean {
  return !isState || dress === 'light' || dress === 'narrow'
}

/** The index of the pictures that lie there: one row per screen, the light one shown, the others linked. */
export function indexOf(subjects: readonly Subject[], files: readonly string[]): string {
  const cell = (scene: string, dress: Dress) => {
    const file = fileOf(scene, dress)
    if (!files.includes(file)) return []
    return [dress === 'light' ? `<a href="${file}"><img src="${file}" width="420" alt="${scene}, light"></a>` : `[${titles[dress].toLowerCase()}](${file})`]
  }
  const others = dresses.filter((dress) => dress !== 'light')
  const row = ({ name }: Subject) => `| \`${name}\` | ${cell(name, 'light').join('')} | ${others.flatMap((dress) => cell(name, dress)).join('<br>')} |`
  const table = (of: Subject['of']) => [
    `## ${parts[of].title}`,
    '',
    parts[of].text,
    '',
    '| screen | light | also |',
    '| --- | --- | --- |',
    ...subjects.filter((subject) => subject.of === of).map(row),
    '',
  ]
  return [
    '# Screens',
    '',
    'Every screen in every state. Made by `npm run screens`, which also looks each over with axe, and for words that are cut off, in both languages and all themes.',
    'A picture changes only when its screen does. What is only another sentence or question on a screen is kept in two dresses; `npm run screens -- --to FOLDER --all` makes all.',
    'Everybody and everything in them is invented.',
    '',
    ...table('window'),
    ...table('panel'),
    ...table('page'),
  ].join('\n')
}
