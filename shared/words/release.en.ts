import type { LicensedManifest } from '../licensed-software.ts'
import type { UpdateManifest } from '../update-manifest.ts'

/** What the release officer's commands say. */
export const releaseEn = {
  about:
    'Signs which version of the desktop client is offered to whom, and the software of licensed features. Runs offline; the main server only carries what it makes.',
  key: 'Makes the update key behind a passphrase. Once: its public half goes into each client’s gantry.json, or each device’s device.json.',
  publish: 'Signs a release: takes its files from the build, copies them and the signed manifest into the folder for the main server.',
  change: 'Signs the published release once more: for more or fewer computers, taken back, or good for longer.',
  licensed: 'Signs the software of a licensed feature, which devices may download while they have a subscription; without --file what is published, once more.',
  feature: 'the licensed feature, as the directory names it',
  licensedFile: 'the file of the new release',
  licensedDays: 'for how many days the manifest counts, 366 at most',
  firstLicensed: 'there has never been a manifest for this feature',
  keyFile: 'the file of the update key',
  from: 'the folder in which the release was built',
  out: 'the folder that is carried to the main server, as it was last written',
  release: 'the number of the release, such as 0.2.0',
  channel: 'stable or beta',
  platform: 'linux, win32 or darwin',
  arch: 'x64 or arm64',
  percentage: 'how many of all computers get it, in percent',
  minimum: 'what is older than this release must not be used any more',
  days: 'for how many days the manifest counts, 30 at most',
  first: 'there has never been a manifest for this target',
  halt: 'take the release back: nobody installs it any more',
  goOn: 'offer a release again that was taken back',
  keyThere: (path: string) => `${path} is there already`,
  newPassphrase: (characters: number) => `New passphrase of the update key, ${characters} characters at least: `,
  again: 'The same again: ',
  passphrase: 'Passphrase of the update key: ',
  noFiles: (release: string, formats: string) => `The build has no file of release ${release} that can update a client (${formats})`,
  twoFiles: (format: string) => `The build has more than one file of this release and format: ${format}`,
  notFirst: 'There is a manifest already, so this is not the first',
  noManifest: 'The folder does not have this manifest. Bring the folder as it was last published, or say --first if there has never been one',
  notNewer: (release: string) => `Release ${release} is published already, or a newer one is`,
  statement: 'This is going to be signed:',
  lines: ({ release, channel, platform, arch, serial, percentage, minimum, halted, expiresAt, files }: UpdateManifest) => [
    halted ? `Release ${release} is TAKEN BACK` : `Release ${release}, for ${percentage} % of the computers`,
    `${channel}, ${platform}, ${arch}; no. ${serial}; counts until ${new Date(expiresAt * 1_000).toISOString().slice(0, 10)}`,
    `What is older than ${minimum} must not be used any more`,
    ...files.map(({ name, bytes }) => `${name}, ${bytes} bytes`),
  ],
  licensedLines: ({ feature, release, serial, expiresAt, file }: LicensedManifest) => [
    `Release ${release} of the licensed feature ${feature}`,
    `no. ${serial}; counts until ${new Date(expiresAt * 1_000).toISOString().slice(0, 10)}`,
    `${file.name}, ${file.bytes} bytes`,
  ],
}
export type ReleaseWords = typeof releaseEn
