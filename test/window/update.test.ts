import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { upToDate } from './support/fixtures.ts'
import { closeBrowser, openWindow, type TestWindow } from './support/open-window.ts'

/** A new version of the app, as a person meets it (T15). */
let window: TestWindow
afterEach(() => window.close())
afterAll(closeBrowser)

const here = { ...upToDate, state: 'ready', release: '0.2.0', outcome: null, bytes: 1_000_000, totalBytes: 1_000_000 } as const
const offered = { ...here, state: 'offered', bytes: 0 } as const

describe('a new version', () => {
  test('is told once and quietly, waits for a session that is open, can be put off; the settings fetch and stop it, by keyboard', async () => {
    window = await openWindow(
      {
        'update.install': () => ({ ...here, state: 'waiting' }),
        'update.postpone': () => here,
        'update.check': () => offered,
        'update.download': () => ({ ...here, state: 'downloading', bytes: 400_000 }),
        'update.cancel': () => offered,
      },
      { language: 'fr' },
    )
    const { page, tell, inputsOf } = window
    const notices = page.locator('.notices')
    tell('update.changed', { ...here, state: 'downloading' })
    tell('update.changed', here)
    await notices.getByText('Gantry 0.2.0 est prêt.').waitFor()
    await notices.getByRole('button', { name: 'Redémarrer pour mettre à jour' }).click()
    await notices.getByText('Gantry 0.2.0 s’installe quand la dernière séance est terminée.').waitFor()
    await notices.getByRole('button', { name: 'Pas maintenant' }).click()
    await notices.getByText('Gantry 0.2.0 est prêt.').waitFor()
    await notices.getByRole('button', { name: 'Retirer' }).click()
    await expect.poll(() => notices.getByText('Gantry').count()).toBe(0)
    tell('update.changed', here)
    expect([await notices.getByText('Gantry').count(), inputsOf('update.install').length]).toEqual([0, 1])

    tell('update.changed', upToDate)
    await page.getByRole('button', { name: 'Réglages' }).click()
    const section = page.getByRole('region', { name: 'Mises à jour' })
    await section.getByText('C’est la version la plus récente.').waitFor()
    const press = async (name: string) => {
      await section.getByRole('button', { name }).focus()
      await page.keyboard.press('Enter')
    }
    await press('Vérifier maintenant')
    await section.getByText('La version 0.2.0 est sortie.').waitFor()
    await press('Télécharger')
    await expect.poll(() => section.getByRole('progressbar', { name: 'Téléchargement' }).getAttribute('aria-valuenow')).toBe('40')
    await press('Arrêter le téléchargement')
    await section.getByText('La version 0.2.0 est sortie.').waitFor()
    tell('update.changed', { ...offered, failure: { code: 'update.file-bad', details: { name: 'Gantry-0.2.0.AppImage' } } })
    await section.getByText('Gantry-0.2.0.AppImage n’est pas ce que le fournisseur a signé.').waitFor()
    expect([inputsOf('update.check').length, inputsOf('update.download').length, inputsOf('update.cancel').length]).toEqual([1, 1, 1])
  })

  test('where this installation does not update itself, the settings say why and offer nothing', async () => {
    window = await openWindow({ 'update.status': () => ({ ...upToDate, channel: null, unsupported: 'not-set-up', outcome: null, checkedMs: null }) })
    await window.page.getByRole('button', { name: 'Settings' }).click()
    const section = window.page.getByRole('region', { name: 'Updates' })
    await section.getByText('This installation names no update key').waitFor()
    expect(await section.getByRole('button').count()).toBe(0)
  })
})
