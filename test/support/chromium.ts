/** With which Chromium is started for a picture of a page. Without WebGL xterm draws in the DOM, where its text can be read. */
export const chromiumFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-3d-apis',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
