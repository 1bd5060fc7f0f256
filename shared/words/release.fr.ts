import type { ReleaseWords } from './release.en.ts'

export const releaseFr: ReleaseWords = {
  about:
    'Signe quelle version de l’application de bureau est offerte à qui. Fonctionne hors ligne; le serveur principal ne fait que transporter ce qui en sort.',
  key: 'Crée la clé de mise à jour derrière une phrase de passe. Une seule fois : sa moitié publique va dans le gantry.json de chaque application.',
  publish: 'Signe une version : prend ses fichiers dans le dossier de construction, les copie avec le manifeste signé dans le dossier du serveur principal.',
  change: 'Signe encore une fois la version publiée : pour plus ou moins d’ordinateurs, retirée, ou valable plus longtemps.',
  keyFile: 'le fichier de la clé de mise à jour',
  from: 'le dossier où la version a été construite',
  out: 'le dossier porté au serveur principal, tel qu’il a été écrit la dernière fois',
  release: 'le numéro de la version, par exemple 0.2.0',
  channel: 'stable ou beta',
  platform: 'linux, win32 ou darwin',
  arch: 'x64 ou arm64',
  percentage: 'combien d’ordinateurs la reçoivent, en pourcentage',
  minimum: 'ce qui est plus ancien que cette version ne doit plus être utilisé',
  days: 'pendant combien de jours le manifeste compte, 30 au plus',
  first: 'il n’y a jamais eu de manifeste pour cette cible',
  halt: 'retirer la version : plus personne ne l’installe',
  goOn: 'offrir de nouveau une version retirée',
  keyThere: (path) => `${path} existe déjà`,
  newPassphrase: (characters) => `Nouvelle phrase de passe de la clé de mise à jour, au moins ${characters} caractères : `,
  again: 'La même encore une fois : ',
  passphrase: 'Phrase de passe de la clé de mise à jour : ',
  noFiles: (release, formats) => `Le dossier de construction n’a aucun fichier de la version ${release} qui puisse mettre à jour une application (${formats})`,
  twoFiles: (format) => `Le dossier de construction a plus d’un fichier de cette version et de ce format : ${format}`,
  notFirst: 'Il y a déjà un manifeste pour cette cible; ce n’est donc pas le premier',
  noManifest:
    'Le dossier n’a pas de manifeste pour cette cible. Apportez le dossier tel qu’il a été publié la dernière fois, ou dites --first s’il n’y en a jamais eu',
  notNewer: (release) => `La version ${release} est déjà publiée, ou une plus récente l’est`,
  statement: 'Voici ce qui va être signé :',
  lines: ({ release, channel, platform, arch, serial, percentage, minimum, halted, expiresAt, files }) => [
    halted ? `La version ${release} est RETIRÉE` : `Version ${release}, pour ${percentage} % des ordinateurs`,
    `${channel}, ${platform}, ${arch}; no ${serial}; compte jusqu’au ${new Date(expiresAt * 1_000).toISOString().slice(0, 10)}`,
    `Ce qui est plus ancien que ${minimum} ne doit plus être utilisé`,
    ...files.map(({ name, bytes }) => `${name}, ${bytes} octets`),
  ],
}
