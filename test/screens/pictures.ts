export const dresses = ['light', 'dark', 'contrast', 'french', 'narrow'] as const
export type Picture = { scene: string; dress: (typeof dresses)[number]; file: string }

const titles = { light: 'Light', dark: 'Dark', contrast: 'High contrast', french: 'French', narrow: 'Narrow, French, dark' }

/** The index of the pictures: one row per screen, the light one shown, the others linked. */
export function indexOf(scenes: readonly string[], pictures: readonly Picture[]): string {
  const cell = (scene: string, dress: Picture['dress']) => {
    const file = pictures.find((one) => one.scene === scene && one.dress === dress)?.file
    if (!file) return ''
    return dress === 'light' ? `<a href="${file}"><img src="${file}" width="420" alt="${scene}, light"></a>` : `[${titles[dress].toLowerCase()}](${file})`
  }
  const others = dresses.filter((dress) => dress !== 'light')
  const rows = scenes.map((scene) => `| \`${scene}\` | ${cell(scene, 'light')} | ${others.map((dress) => cell(scene, dress)).join('<br>')} |`)
  return [
    '# Screens',
    '',
    'Every screen of the window in every state. Made by `npm run screens`, which also looks each over with axe in both languages and all themes.',
    'The window and its host are the real ones; what the services answer is written in `test/window/support/`, so that a picture changes only when the window does.',
    'Everybody and everything in them is invented.',
    '',
    '| screen | light | also |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}
