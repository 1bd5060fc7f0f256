/** The guide for a customer's IT department: the network side of remote service. In Markdown, and meant to be printed. */
export const itGuideEn = {
  title: 'Remote service: guide for the IT department',
  made: (device: string) => `Printed from the allow-list of ${device}. The device enforces the same list.`,
  inShort: {
    title: 'In short',
    lines: [
      'The device only connects **outward**, to the hosts below, on **TCP port 443**. Nothing connects to the device, and it listens on no port.',
      'No VPN, no change of routing, no port forwarding, no extra hardware: an internet connection is enough.',
      'Everything is TLS, authenticated by certificate on both sides. Sessions are encrypted from end to end inside it.',
      'The person at the device decides about every session; you decide whether the device may connect at all.',
    ],
  },
  hosts: {
    title: 'Hosts and ports',
    text: 'Allow exactly these, outbound, from the device. Two access servers carry sessions; each stands in for the other.',
    proxy: (proxy: string) =>
      `This device goes through the proxy \`${proxy}\`. Allow the device to reach the proxy, and the proxy to reach these hosts by CONNECT.`,
    columns: ['Purpose', 'Name', 'Host', 'Addresses', 'Site', 'Port'],
    more: [
      'DNS, to your own resolvers, unless fixed addresses are entered in the device (`addresses` in its configuration): then it needs no DNS at all.',
      'Nothing else. Ports 80, 8080, 17001 and 17002, which earlier products needed, are not used and can stay closed.',
      'A host that is not on this list is refused by the device itself, and the attempt is written to its audit.',
    ],
  },
  forms: {
    title: 'The same list for your tools',
    text: 'The device prints it; all forms come from the same data.',
    commands: [
      ['gantry-agent allow-list --format json', 'for programs'],
      ['gantry-agent allow-list --format csv', 'for a spreadsheet'],
      ['gantry-agent allow-list --format nft', 'rules for nftables on the device itself'],
      ['gantry-agent allow-list --format nft --router ADDRESS', 'rules for your router, for the device at that address'],
      ['gantry-agent allow-list --format guide --language fr', 'this guide, in French or English'],
    ],
    config: 'Each takes `--config device.json`, the device’s configuration file.',
  },
  network: {
    title: 'Proxies, inspection, and long connections',
    lines: [
      '**Proxy.** HTTP CONNECT, without a password or with Basic or Digest authentication, also over TLS to the proxy.',
      '**TLS inspection.** These hosts must be exempt. The device believes one certificate authority only and shows a certificate of its own, so an interceptor is always refused; the device then names who issued the false certificate.',
      '**Long connections.** A session is one TLS connection to an access server that may stay open for hours. Both ends send a sign of life, and a connection that is cut is taken up again where it was.',
      '**Polls.** Between sessions the device asks the main server every 30 seconds and leaves no connection open, unless instant pick-up is turned on.',
      '**Time.** The device’s clock may be 2 minutes fast or 30 seconds slow at most.',
      '**IPv4 and IPv6** both work, also behind NAT and with an MTU of 1280.',
    ],
  },
  check: {
    title: 'Testing it: the firewall passport',
    text: 'On the device, or with the button *Check the network* on its front panel:',
    command: 'gantry-agent check --config device.json',
    more: [
      'It asks every host above, hop by hop, and says what passes, what does not, and what to ask for. It sends nothing but these questions and changes nothing.',
      '`--output FOLDER` also writes the page to print, in English and French, and the result as JSON.',
      'Exit codes: 0 everything passes, 1 it works with less in reserve, 5 it cannot work yet, 3 connectivity is turned off, 2 the command was not understood.',
    ],
    table: ['Fails at', 'What it means', 'What to ask for'],
  },
  control: {
    title: 'What you control',
    text: 'The file `policy.json` on the device is yours: it is signed with your own key, which you make and keep with `gantry-agent policy`. The device goes by it within a second, and no server can change it. A file that was edited, taken back or damaged closes the device, and the panel says why.',
    columns: ['Setting', 'Means'],
    rows: [
      ['`"connectivity": "off"`', 'Not one packet leaves the device.'],
      ['`"rules"`', 'For each level of access: `allow`, `ask`, `ask-typed` (with a code typed in at the device) or `deny`.'],
      ['`"countries"`', 'Where a specialist may work from.'],
      ['`"files"`', 'Whether files may go in, out, and how large.'],
      ['`"paths"` in `"files"`', 'The only folders that can be reached.'],
      [
        '`"restricted"` in `"files"`',
        'Folders that may hold patient data. They are shut until the person at the device says yes in that session; what leaves is recorded by name.',
      ],
      ['`"hours"`', 'When somebody may come in, by the device’s clock or a zone that you name. A session ends with them.'],
      ['`"servers"`', 'Of the hosts above, those that the device may reach.'],
      ['`"actions"`', 'Which actions may be asked for.'],
      ['`"requestsPerHour"`', 'How many requests an hour are let through to the panel; a further one is refused before it rings.'],
      ['`"sessionMinutes"`, `"sessionMegabytes"`', 'How long a session may last, and how much may move in it.'],
      ['`"instantPickup": true`', 'The device keeps one connection open, so that a request arrives at once.'],
      ['`"strict": true`', 'A session on the operating system ends when the main server has not answered for 60 seconds.'],
      [
        '`"bulletin": true`',
        'Where the main server cannot be reached, the device asks the access servers whether anybody calls it. The answer opens nothing; the device shows it.',
      ],
    ],
  },
}
export type ItGuideWords = typeof itGuideEn
