/** Help texts of the offline authority's commands. */
export const authorityEn = {
  about: 'Certifies specialists’ keys and signs the roster. Runs offline; its folder holds the private key.',
  init: 'Makes the authority’s key. Once: every device pins it when it is enrolled.',
  certify: 'Certifies one person for 90 days, then signs the next roster.',
  roster: 'Signs the next roster over the certificates in a folder, for 14 days. Take a person’s file out first to revoke them.',
  fingerprint: 'Shows the public key and its fingerprint, to be compared by voice or on paper.',
  folder: 'the authority’s own folder',
  request: 'JSON file with the person’s id, username, name, employer, country and two public keys',
  out: 'folder for roster.jws and certificates/<username>.jws',
}
export type AuthorityWords = typeof authorityEn
