import type { SandboxWords } from '@gantry/shared/words/sandbox.en.ts'
import { accessServerRefs, originOf } from './configs.ts'
import type { PartEvent } from './part.ts'
import type { Sandbox } from './sandbox.ts'

/** The one line of `--json`. `pid` of a device is its supervisor's, whose child is the agent; `pids` are the serving processes. */
export function readyFacts({ ports, paths, specialist, devices, mainServer, accessServers }: Sandbox) {
  const { username, password, totpSecret } = specialist
  return {
    ready: true,
    mainServer: originOf(ports),
    accessServers: accessServerRefs(ports).map(({ host, port }) => `https://${host}:${port}`),
    ca: paths.ca,
    specialist: { username, password, totpSecret },
    devices: devices.map(({ device, place, supervisor }) => ({
      id: device.id,
      name: device.name,
      model: device.model.name,
      filesRoot: place.filesRoot,
      pid: supervisor.pid(),
    })),
    pids: { mainServer: mainServer.pid(), accessServers: accessServers.map((part) => part.pid()) },
  }
}

export function describeSandbox(sandbox: Sandbox, words: SandboxWords): string[] {
  const { labels } = words
  const { specialist, ports, paths, devices } = sandbox
  const rows: [string, string][] = [
    [labels.mainServer, originOf(ports)],
    [
      labels.accessServers,
      accessServerRefs(ports)
        .map(({ host, port, site }) => `https://${host}:${port} (${site})`)
        .join(', '),
    ],
    [labels.state, paths.dir],
    [labels.devices, devices.map(({ device }) => `${device.name} (${device.model.name})`).join(', ')],
    [labels.signIn, specialist.username],
    [labels.password, specialist.password],
    [labels.code, words.codeOnPage],
    [labels.commandLine, `npm run --silent gantry -- --sandbox ${paths.dir} devices`],
    [labels.panel, `npm run --silent panel -- "${devices[0]?.device.name}" show --sandbox ${paths.dir}`],
  ]
  const width = Math.max(...rows.map(([label]) => label.length)) + 2
  return [words.everythingHere, '', ...rows.map(([label, value]) => `  ${label.padEnd(width)}${value}`), '']
}

/** What happened to a part, for the console. The first start of each is no news. */
export function describeEvent(event: PartEvent, words: SandboxWords): string | null {
  if (event.kind === 'ready') return event.restarts === 0 ? null : words.partBack(event.name, event.restarts, (event.afterMs / 1_000).toFixed(1))
  const why = event.signal ?? `${event.code}`
  return event.againInMs === null ? words.partGone(event.name, why) : words.partDied(event.name, why, (event.againInMs / 1_000).toFixed(1))
}
