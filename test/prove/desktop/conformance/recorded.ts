import type { Recording } from './tmux.ts'

/** Programs at work, on files of this project; what they do not write themselves is the machine's. */
export function programs(root: string, folder: string): readonly Recording[] {
  return [
    {
      name: 'vim',
      command: `vim -u NONE -N -n -i NONE --cmd 'syntax on' --cmd 'set nu ruler hlsearch' '${root}/renderer/ui/screen-only.ts'`,
      keys: ['C-f', ':vsplit', 'Enter', '/terminal', 'Enter', 'dd', 'p', 'u', ':set list', 'Enter', ':help', 'Enter'],
    },
    { name: 'less', command: `less '${root}/README.md'`, keys: ['Space', 'j', 'k', 'G', '/session', 'Enter', 'n', 'b', '-S', 'Enter', 'Right'] },
    { name: 'htop', command: 'htop --delay=100', keys: ['F5', 'Down', 'F2', 'Down', 'Escape', 'F6'] },
    { name: 'top', command: 'top -d 100', keys: ['z', '1', 'x', 'V', 'h'] },
    {
      name: 'mc',
      command: `env HOME='${folder}' mc --nomouse '${root}' '${root}/docs'`,
      keys: ['Down', 'F9', 'Down', 'Escape', 'Tab', 'End', 'F3', 'Space', 'F10', 'F5'],
    },
    {
      name: 'dialog',
      command: "dialog --title 'Gantry' --checklist 'Which logs?' 15 50 5 1 System on 2 Scanner off 3 Réseau off",
      keys: ['Down', 'Space', 'Tab', 'Tab'],
    },
  ]
}

/** The screens of vttest that stay within 80 columns: menus, cursor, screen features, character sets, insertions; a key goes on to the next. */
export const vttest: Recording = {
  name: 'vttest',
  command: 'vttest 24x80.80',
  keys: ['1', ...enters(8), '2', ...enters(18), '8', ...enters(16)],
}

function enters(count: number): string[] {
  return Array.from({ length: count }, () => 'Enter')
}
