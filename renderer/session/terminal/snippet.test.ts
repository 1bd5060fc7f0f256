import { describe, expect, test } from 'vitest'
import { filled, piecesOf, slotsOf } from './snippet.ts'

describe('snippets with placeholders', () => {
  test('each placeholder is asked for once, in order', () => {
    expect(slotsOf('journalctl -u {{service}} -n {{ lines }} | grep {{service}}')).toEqual(['service', 'lines'])
    expect(slotsOf('ls -l')).toEqual([])
  })

  test('are filled in wherever they stand; what is missing stays to be seen', () => {
    expect(filled('du -sh {{dossier}}/* ; ls {{dossier}} {{autre}}', { dossier: '/var/nv' })).toBe('du -sh /var/nv/* ; ls /var/nv {{autre}}')
  })

  test('what is filled in is not taken for a placeholder', () => {
    expect(filled('echo {{a}} {{b}}', { a: '{{b}}', b: 'x' })).toBe('echo {{b}} x')
  })

  test('what a shell writes in braces is left alone', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's, not ours
    for (const text of ['echo ${HOME} {a,b}', 'awk "{print $1}"', '{{}}', '{{ }}', '{{a{b}}']) expect(filled(text, { a: 'x' })).toBe(text)
  })

  test('the pieces are the whole text', () => {
    expect(piecesOf('a {{b}} c')).toEqual([
      { kind: 'text', text: 'a ' },
      { kind: 'slot', name: 'b' },
      { kind: 'text', text: ' c' },
    ])
  })
})
