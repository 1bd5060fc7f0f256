/** The only page that this app ever hands to the system's browser is the main server's own sign-in. */
export function isSignInPage(address: string, mainServer: string): boolean {
  const url = URL.parse(address)
  return url?.protocol === 'https:' && url.origin === new URL(mainServer).origin
}
