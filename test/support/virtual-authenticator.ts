import type { Page } from 'playwright'

/** Chromium's own authenticator, as part of the computer of this page (WebAuthn Level 3 section 11): it tells whoever touches it apart, and is touched at once. */
export async function addAuthenticator(page: Page): Promise<void> {
  const authenticator = await page.context().newCDPSession(page)
  await authenticator.send('WebAuthn.enable')
  const options = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true } as const
  await authenticator.send('WebAuthn.addVirtualAuthenticator', { options: { ...options, automaticPresenceSimulation: true } })
}
