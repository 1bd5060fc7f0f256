import type { AccessLevel } from '../profile.ts'
import { panelEn } from './panel.en.ts'

/** What the customer's tool for a device's policy says. */
export const policyCommandEn = {
  usage: [
    'gantry-agent policy key  --key FILE',
    'gantry-agent policy show (--config FILE | --policy FILE)',
    'gantry-agent policy set  (--config FILE | --policy FILE) --key FILE [--device ID] [--next-owner FILE] [--fresh] [NAME=VALUE …]',
    'gantry-agent policy approve --config FILE [(--key FILE | --passkey [--port N]) REQUEST]',
    'gantry-agent policy passkey [--port N]',
    'gantry-agent policy reset --config FILE',
    '',
    '  key           makes a policy key behind a passphrase; the first policy that a device sees pins its key',
    '  show          what stands, and what is wrong with it',
    '  set           changes settings, signs, and puts the file in its place, e.g. rules.os=deny requestsPerHour=2 countries=["CA"]',
    '  approve       lists requests that wait for the second key (approvers in the policy), or signs one of them with a key or, in the browser, a passkey',
    '  passkey       makes a passkey in the browser of this computer, and prints it for approvers=[…]',
    '  reset         a device that lost its policy key or memory takes the next policy as its first (run as the agent’s user)',
    '  --config      the device’s own device.json;  --policy  a file to be carried to the device',
    '  --device      only that device takes it;  --next-owner  the key (or its public half) that signs from then on;  --fresh  from the defaults',
  ],
  keyThere: (path: string) => `${path} is there already`,
  newPassphrase: (characters: number) => `New passphrase, ${characters} characters at least: `,
  again: 'The same again: ',
  passphrase: 'Passphrase of the policy key: ',
  signed: (serial: number) => `Signed as no. ${serial}. The device goes by it as soon as the file is in its place.`,
  approving: (who: string, { access, reason, caseId, minutes }: { access: string; reason: string; caseId: string; minutes: number }) =>
    `${who} asks for ${access}, ${minutes} min, case ${caseId}: ${reason}`,
  openPage: (url: string) => `Open this page in a browser on this computer, within two minutes: ${url}`,
  levels: panelEn.access as Record<AccessLevel, string>,
  page: {
    language: 'en',
    title: 'Gantry approver',
    done: 'Done',
    close: 'You can close this page. The command says what to do next.',
    notDone: 'Nothing was signed',
    make: {
      heading: 'Make a passkey that approves remote service',
      text: 'Whoever can use it, by finger, face or PIN, can approve requests on each device whose policy pins it.',
      button: 'Make a passkey',
      failed: 'No passkey was made. Try again.',
    },
    approve: {
      heading: 'Somebody asks for remote service',
      who: 'Who',
      level: 'To do',
      reason: 'Reason',
      caseId: 'Case',
      minutes: 'Minutes',
      device: 'Device',
      text: 'With your passkey you allow this request, and no other.',
      button: 'Approve with a passkey',
      failed: 'No passkey was used. Try again, or close this page: nothing was approved.',
    },
  },
  closed: 'The device goes by no policy, and lets nobody in.',
  reset: 'Forgotten. The next policy that this device sees is taken as its first, with its key.',
}
export type PolicyCommandWords = typeof policyCommandEn
