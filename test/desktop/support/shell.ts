import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCa } from '@gantry/shared/node/certificates.ts'
import type { Page } from 'playwright'
import { type Started, type StartOptions, startApp } from './host.ts'

/** The app alone, with a main server that does not answer and no keychain: its shell is the same, and starts in seconds. */
export const nowhere = 'https://127.0.0.1:9'

export async function shellOptions(home: string, argv: string[] = []): Promise<StartOptions> {
  mkdirSync(join(home, '.config'), { recursive: true })
  const ca = join(home, 'ca.pem')
  if (!existsSync(ca)) writeFileSync(ca, (await createCa('Nowhere')).certificatePem)
  return { home, argv, config: { mainServer: nowhere, ca, profileDir: join(home, 'profile') } }
}

export async function startShell(home: string, argv: string[] = []): Promise<Started & { errors: string[] }> {
  const started = await startApp(await shellOptions(home, argv))
  const errors: string[] = []
  started.page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  started.page.on('pageerror', (error) => errors.push(String(error)))
  await signInButton(started.page).waitFor()
  return { ...started, errors }
}

export const signInButton = (page: Page) => page.getByRole('button', { name: 'Sign in with your browser' })
