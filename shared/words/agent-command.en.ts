/** What the agent says when it is asked for a look at its network, on a terminal at the device. */
export const agentCommandEn = {
  usage: [
    'gantry-agent check --config FILE [--language en|fr] [--format text|html|json] [--output FOLDER]',
    'gantry-agent allow-list --config FILE [--language en|fr] [--format json|csv|nft|guide] [--router ADDRESS …] [--resolver ADDRESS …]',
    '',
    '  check       asks every host of the list, hop by hop: the firewall passport. Exit code 0 everything passes, 1 with less in reserve, 5 closed',
    '  allow-list  prints every host and port that this device may use',
    '  --output    also writes the passport there: to print (en and fr), as text, and as JSON',
    '  --router    rules for a router, for the device at that address; without it, for the device itself',
    '  --resolver  who answers the device’s DNS (as the system says, unless told)',
  ],
  asking: (host: string) => `Asking ${host} …`,
  cancelled: 'Cancelled.',
  written: (folder: string) => `Written to ${folder}`,
  off: 'Connectivity is turned off in the device’s policy, so not one packet leaves, not even for a check.',
}
export type AgentCommandWords = typeof agentCommandEn
