/**
 * The window's content security policy, the same in Electron and in the browser host. Only our own files run; styles that libraries write at run time
 * (Mantine's variables, xterm's theme) carry the nonce; nothing is loaded from elsewhere, nothing is framed, no form leaves.
 */
export function contentPolicy(nonce: string): string {
  return [
    `default-src 'none'`,
    `script-src 'self'`,
    `style-src 'self' 'nonce-${nonce}'`,
    `font-src 'self'`,
    `img-src 'self' data:`,
    `connect-src 'self'`,
    `base-uri 'none'`,
    `form-action 'none'`,
    `frame-ancestors 'none'`,
    `require-trusted-types-for 'script'`,
    `trusted-types 'none'`,
  ].join('; ')
}

/** What the built page carries in place of its nonce; whoever serves the page replaces it, afresh for each answer. */
export const noncePlaceholder = '__GANTRY_NONCE__'
