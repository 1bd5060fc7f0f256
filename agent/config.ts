import { pollTiming } from '@gantry/shared/agent-api.ts'
import { HostName, IpAddress } from '@gantry/shared/allow-list.ts'
import { AccessServerRef, PublicJwk } from '@gantry/shared/ticket.ts'
import { z } from 'zod'

/**
 * What the agent is told by the device's owner (`device.json`). It holds no secret but the one-time enrolment code, which is worth nothing after use.
 * Both the supervisor and the agent read it; the panel has a file of its own.
 */
const path = z.string().min(1).max(4_096).startsWith('/')
const argv = z.array(z.string().max(4_096)).max(64)
/** `https://host:port`, nothing behind it: there is no way to say that a connection shall not be encrypted (R060). */
const httpsOrigin = z.url({ protocol: /^https$/ }).transform((url) => new URL(url).origin)

/** As the allow-list shows it to people. */
const shown = z.string().min(1).max(60)

export const ListedAccessServer = AccessServerRef.extend({ host: HostName })

export const SessionUser = z.strictObject({ uid: z.number().int().positive(), gid: z.number().int().positive(), name: z.string().min(1).max(64), home: path })
export type SessionUser = z.infer<typeof SessionUser>

const ProxySetting = z.strictObject({
  /** `http://host:port`, or `https://host:port` where the proxy itself speaks TLS; never with a password in it. */
  url: z.string().max(300),
  /** PEM file of who vouches for an https proxy; null: the public roots and this device's own trust store. */
  ca: path.nullable().default(null),
  /** `{"user","password"}` in a file that only the agent's user can read (mode 600); read anew when the proxy asks, so a new password needs no restart. */
  credentialsFile: path.nullable().default(null),
  /** What is reached without the proxy, as in NO_PROXY: domains, addresses, networks. */
  except: z.array(z.string().max(300)).max(100).default([]),
})

export const Config = z.strictObject({
  stateDir: path,
  /** In the order in which they are tried (R024). `enrolOrigin` is the people's listener, `agentOrigin` the one that demands this device's certificate. */
  mainServers: z
    .array(z.strictObject({ enrolOrigin: httpsOrigin, agentOrigin: httpsOrigin, name: shown.optional(), site: shown.optional() }))
    .min(1)
    .max(8),
  /** The access servers that this device may dial; null: those that its enrolment named. Others are refused, whatever a ticket says (R047). */
  accessServers: z.array(ListedAccessServer).max(16).nullable().default(null),
  /** Fixed addresses by host name, which are dialled without asking DNS; the name in the certificate is checked all the same (R043). */
  addresses: z.record(HostName, z.array(IpAddress).min(1).max(16)).default({}),
  /** The site's HTTP proxy, through which everything goes that this device sends (R046); null: straight out. */
  proxy: ProxySetting.nullable().default(null),
  /** PEM file of the one CA that may vouch for a server; the system's trust store is not asked (R042). */
  ca: path,
  /** `GNT1-<secret>-<authority>`, see enrolment.ts; unused once the device is enrolled. */
  enrolmentCode: z.string().max(200).nullable().default(null),
  deviceName: z.string().min(1).max(80),
  model: z.object({ id: z.string().max(60), name: z.string().max(80), kind: z.string().max(40) }),
  softwareVersion: z.string().max(60).default('unknown'),
  policyFile: path,
  /** Unix socket of the front panel, which this agent dials; it owns no socket itself (R041). Longer paths than 107 bytes do not fit sockaddr_un. */
  panelSocket: path.max(107),
  language: z.enum(['en', 'fr']).default('en'),
  filesRoot: path,
  /** Where the device's own software reads which features are licensed (`{"features": […]}`, mode 644, replaced in one step); null: nowhere (R011). */
  licensedFile: path.nullable().default(null),
  /**
   * Where the software of licensed features is put, a folder for each, and under whose key it has to be signed (`release/README.md`); null: this device downloads none (R011). The folder is the
   * agent's own; `maxBytes` is for all in it.
   */
  licensedSoftware: z
    .strictObject({ folder: path, key: PublicJwk, maxBytes: z.number().int().positive().default(2_147_483_648) })
    .nullable()
    .default(null),
  /** Who the session's shell runs as; null, or an agent that is not root, means that this separation is missing, and the panel says so. */
  user: SessionUser.nullable().default(null),
  /** Unix sockets below `/run` that a session's programs keep, such as that of the device's own software. They have no other way out of their session. */
  sessionSockets: z.array(path.max(107)).max(16).default([]),
  shell: path.default('/bin/bash'),
  service: z.strictObject({ restart: argv, status: argv, menu: argv, log: path }),
  /** The floor: no server and no setting makes a device poll more often (R051). */
  pollIntervalMs: z.number().int().min(pollTiming.intervalMs).max(3_600_000).default(pollTiming.intervalMs),
  /** Stop when stdin ends: that is how nothing is left behind when the parent is killed. */
  stopWithStdin: z.boolean().default(false),
})
export type Config = z.infer<typeof Config>
