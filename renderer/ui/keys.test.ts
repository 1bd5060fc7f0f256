import { describe, expect, test } from 'vitest'
import { isAppKey, keyName } from './keys.ts'

const pressed = (key: string, more: Partial<Parameters<typeof keyName>[0]> = {}) =>
  keyName({ key, code: '', ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more })

describe('keys have one name', () => {
  test.each([
    [pressed('k', { ctrlKey: true }), 'Ctrl+K'],
    [pressed('k', { metaKey: true }), 'Ctrl+K'],
    [pressed('E', { ctrlKey: true, shiftKey: true }), 'Ctrl+Shift+E'],
    [pressed(' '), 'Space'],
    [pressed('/'), '/'],
    [pressed('?', { shiftKey: true }), '?'],
    [pressed('ArrowDown', { shiftKey: true }), 'Shift+ArrowDown'],
    [pressed('¡', { altKey: true, code: 'Digit1' }), 'Alt+1'],
    [pressed('&', { ctrlKey: true, code: 'Digit1' }), 'Ctrl+1'],
  ])('%s', (name, expected) => {
    expect(name).toBe(expected)
  })

  test('with the terminal in focus only a few belong to the app; Ctrl C, Esc and F5 go to the device', () => {
    expect(['Ctrl+K', 'Ctrl+Shift+E', 'Ctrl+Tab', 'Alt+2', 'F6'].filter(isAppKey)).toHaveLength(5)
    expect(['Ctrl+C', 'Ctrl+S', 'Escape', 'F5', 'Alt+4', 'Enter', '/'].filter(isAppKey)).toEqual([])
  })
})
