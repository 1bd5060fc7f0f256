import { describe, expect, test } from 'vitest'
import { browserArguments, findBrowser, hasDisplay } from './browser.ts'

describe('the sandbox’s own browser', () => {
  test('knows the sandbox’s CA by its key alone, keeps an empty profile, and says nothing in the background', () => {
    const argv = browserArguments('/profile', 'PIN=', false)
    for (const flag of [
      '--ignore-certificate-errors-spki-list=PIN=',
      '--user-data-dir=/profile',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ]) {
      expect(argv).toContain(flag)
    }
    expect(argv).not.toContain('--ignore-certificate-errors')
    expect(argv).not.toContain('--no-sandbox')
  })

  test('gets no link on its command line, which every account of the machine can read', () => {
    expect(browserArguments('/profile', 'PIN=').filter((one) => one.includes('://'))).toEqual([])
  })

  test('is not found where there is none', () => {
    expect(findBrowser({ PATH: '/nowhere' }, 'linux')).toBeNull()
  })

  test('needs a display on Linux', () => {
    expect(hasDisplay({}, 'linux')).toBe(false)
    expect(hasDisplay({ WAYLAND_DISPLAY: 'wayland-0' }, 'linux')).toBe(true)
    expect(hasDisplay({}, 'darwin')).toBe(true)
  })
})
