import { z } from 'zod'

/** What the front panel's process is told. It runs as a user of its own, apart from the agent's and from that of the session's shell. */
export const Config = z.strictObject({
  /** Path of the socket; its folder is made when missing (0750). */
  socket: z.string().min(1).max(107).startsWith('/'),
  /** Who may dial it beside the panel's own user: the agent's group. Only root can hand it over. */
  group: z.number().int().positive().nullable().default(null),
  /** The panel's own user id, taken once the socket is bound; null: it stays who it is. */
  user: z.number().int().positive().nullable().default(null),
  language: z.enum(['en', 'fr']).default('en'),
  stopWithStdin: z.boolean().default(false),
})
export type Config = z.infer<typeof Config>
