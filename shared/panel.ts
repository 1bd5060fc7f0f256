import { z } from 'zod'
import { EndCause } from './access-request.ts'
import { PolicyFault } from './device-policy.ts'
import { DeviceId, RequestId } from './ids.ts'
import { Passport } from './passport.ts'
import { AccessLevel, LevelRules, ServiceKind } from './profile.ts'

/**
 * The front panel: a process of its own that owns a path socket (folder 0750, socket 0660), which the agent dials. Lines of JSON, 64 KiB each at most.
 * Both directions are tagged messages. The panel decides nothing but what the person pressed; a typed code is checked by the agent.
 */
export const PanelRequest = z.object({
  requestId: RequestId,
  specialist: z.string(),
  employer: z.string(),
  country: z.string(),
  access: AccessLevel,
  serviceKind: ServiceKind,
  reason: z.string(),
  caseId: z.string(),
  minutes: z.number(),
  /** It ends when so many octets have moved; null: as many as it takes. */
  maxBytes: z.number().nullable().default(null),
  /** Six digits to compare, or null where they must be typed in (then the panel does not know them). */
  code: z
    .string()
    .regex(/^\d{6}$/)
    .nullable(),
  triesLeft: z.number().int(),
  askedMs: z.number(),
  answerBeforeMs: z.number(),
})
export type PanelRequest = z.infer<typeof PanelRequest>

export const PanelSession = z.object({
  requestId: RequestId,
  specialist: z.string(),
  access: AccessLevel,
  reason: z.string(),
  caseId: z.string(),
  startedMs: z.number(),
  endsMs: z.number(),
  /** Octets of the specialist's and the device's, and how many it ends at; null: as many as it takes. */
  used: z.object({ bytes: z.number(), maxBytes: z.number() }).nullable().default(null),
  /** The specialist asks for so many more minutes. */
  asksTime: z.object({ minutes: z.number().int(), askedMs: z.number(), answerBeforeMs: z.number() }).nullable().default(null),
  /** The specialist asks for what may hold patient data. */
  asksRestricted: z
    .object({ paths: z.array(z.string()), askedMs: z.number(), answerBeforeMs: z.number() })
    .nullable()
    .default(null),
  /** Somebody said yes to that, until the session ends. */
  restrictedOpen: z.boolean().default(false),
  approvedBy: z.enum(['policy', 'person']),
  /** The specialist cannot reach the device at the moment; the session waits. */
  interrupted: z.boolean().default(false),
  /** How many addresses were tried from where its programs live, and how many were blocked; null: not yet, or nothing is blocked there. */
  probed: z.object({ tried: z.number().int(), blocked: z.number().int() }).nullable().default(null),
})
export type PanelSession = z.infer<typeof PanelSession>

export const PanelSessionChange = z.object({
  endsMs: z.number().exactOptional(),
  used: PanelSession.shape.used.unwrap().exactOptional(),
  asksTime: PanelSession.shape.asksTime.unwrap().exactOptional(),
  asksRestricted: PanelSession.shape.asksRestricted.unwrap().exactOptional(),
  restrictedOpen: z.boolean().exactOptional(),
  interrupted: z.boolean().exactOptional(),
  probed: PanelSession.shape.probed.unwrap().exactOptional(),
})

/** A file move, action or program of a live session, told as it happens. `text` is the device's own text: hostile until escaped. */
export const Move = z.object({
  kind: z.enum(['sent', 'received', 'deleted', 'renamed', 'folder', 'refused', 'action', 'exec', 'menu']),
  text: z.string(),
  bytes: z.number().nullable(),
  done: z.boolean(),
  atMs: z.number(),
})
export type Move = z.infer<typeof Move>

/** The rules of this device, as its owner signed them; `fault`: they cannot be gone by, and nobody comes in until they are mended. */
export const PanelPolicy = z.object({
  from: z.enum(['file', 'defaults', 'closed']),
  fault: PolicyFault.nullable(),
  serial: z.number().int(),
  /** The first characters of the thumbprint of whose key signs them. */
  owner: z.string().nullable(),
  /** By somebody at the panel. */
  switchedOff: z.boolean(),
  rules: LevelRules,
  requestsPerHour: z.number(),
  sessionMinutes: z.number(),
  sessionMegabytes: z.number().nullable(),
  countries: z.array(z.string()).nullable(),
  hours: z.string().nullable(),
  files: z.object({ toDevice: z.boolean(), fromDevice: z.boolean() }),
  actions: z.array(z.string()).nullable(),
})
export type PanelPolicy = z.infer<typeof PanelPolicy>

/** The specialist's window, so that the mirror breaks lines where it does. Sent with the first output and with the next one after a change. */
const TerminalSize = z.object({ columns: z.number().int().min(1).max(500), rows: z.number().int().min(1).max(300) })

/**
 * `waiting`: the main server does not answer. `quiet` and `called`: it does not either, but has told an access server that it has nothing for this device, or that it
 * has something (`access-api.ts`, bulletin).
 */
const Connectivity = z.enum(['ok', 'waiting', 'quiet', 'called', 'off'])

export const agentToPanel = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    device: z.object({ id: DeviceId, name: z.string(), model: z.string(), customer: z.string(), site: z.string() }),
    /** False when the session's shell cannot run as another user: the panel says so. */
    separated: z.boolean(),
    /** `open`: a session's programs can reach what the device can reach; the panel says so. */
    network: z.enum(['none', 'open']).default('open'),
    /** Seconds that the device's clock is ahead of its main server's; nobody is let in. 0: it is right. */
    clockOffSeconds: z.number().int().default(0),
    connectivity: Connectivity,
    policy: PanelPolicy.nullable().default(null),
  }),
  z.object({ type: z.literal('request.asked'), request: PanelRequest }),
  z.object({ type: z.literal('request.closed'), requestId: RequestId, outcome: z.enum(['approved', 'refused', 'cancelled', 'no-answer', 'code-wrong']) }),
  z.object({ type: z.literal('session.opened'), session: PanelSession }),
  /** What the specialist sees in the terminal, as base64 of raw bytes; never what is typed without echo. */
  z.object({ type: z.literal('session.output'), requestId: RequestId, terminal: z.number().int(), data: z.string(), size: TerminalSize.optional() }),
  z.object({
    type: z.literal('session.moved'),
    requestId: RequestId,
    move: Move,
  }),
  /** What changed in it, as it is now. */
  z.object({ type: z.literal('session.changed'), requestId: RequestId, change: PanelSessionChange }),
  z.object({ type: z.literal('session.ended'), requestId: RequestId, cause: EndCause }),
  /** How far the check of the network is; null: there is none to show. */
  z.object({ type: z.literal('network.checked'), passport: Passport.nullable() }),
])
export type AgentToPanel = z.infer<typeof agentToPanel>

export const panelToAgent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello'), language: z.enum(['en', 'fr']) }),
  /** `code` is what was typed, null where it was only compared. */
  z.object({ type: z.literal('request.answered'), requestId: RequestId, allow: z.boolean(), code: z.string().max(12).nullable() }),
  z.object({ type: z.literal('session.end'), requestId: RequestId }),
  z.object({ type: z.literal('time.answered'), requestId: RequestId, allow: z.boolean() }),
  z.object({ type: z.literal('restricted.answered'), requestId: RequestId, allow: z.boolean() }),
  /** Start, or (`run: false`) cancel and put away. */
  z.object({ type: z.literal('network.check'), run: z.boolean() }),
  /** The off switch: nobody comes in, and not a packet leaves. */
  z.object({ type: z.literal('service.switch'), on: z.boolean() }),
])
export type PanelToAgent = z.infer<typeof panelToAgent>

/**
 * What the panel's screen shows: the panel process writes it to its parent (lines of JSON on stdout), the parent sends `PanelInput` lines on stdin.
 * In the sandbox the parent is the sandbox, which serves the page and answers `npm run panel`; on a device it is the kiosk that draws the screen.
 */
export const PanelMove = Move.extend({ id: z.number() })
export const PanelState = z.object({
  device: z.object({ id: DeviceId, name: z.string(), model: z.string(), customer: z.string(), site: z.string() }).nullable(),
  agent: z.enum(['connected', 'absent']),
  separated: z.boolean(),
  network: z.enum(['none', 'open']).default('open'),
  clockOffSeconds: z.number().int().default(0),
  connectivity: Connectivity,
  policy: PanelPolicy.nullable().default(null),
  waiting: z.array(PanelRequest),
  sessions: z.array(PanelSession.extend({ moves: z.array(PanelMove) })),
  /** The last request or session that ended, for the closing screen. */
  last: z.object({ requestId: RequestId, specialist: z.string(), outcome: z.string(), atMs: z.number() }).nullable(),
  check: Passport.nullable().default(null),
})
export type PanelState = z.infer<typeof PanelState>
export const PanelScreen = z.discriminatedUnion('type', [
  z.object({ type: z.literal('state'), state: PanelState }),
  z.object({ type: z.literal('output'), requestId: RequestId, terminal: z.number().int(), data: z.string(), size: TerminalSize.optional() }),
])
export type PanelScreen = z.infer<typeof PanelScreen>
export const PanelInput = z.discriminatedUnion('type', [
  z.object({ type: z.literal('answer'), requestId: RequestId, allow: z.boolean(), code: z.string().max(12).nullable() }),
  z.object({ type: z.literal('end'), requestId: RequestId }),
  z.object({ type: z.literal('time'), requestId: RequestId, allow: z.boolean() }),
  z.object({ type: z.literal('restricted'), requestId: RequestId, allow: z.boolean() }),
  z.object({ type: z.literal('check'), run: z.boolean() }),
  z.object({ type: z.literal('switch'), on: z.boolean() }),
])
export type PanelInput = z.infer<typeof PanelInput>
