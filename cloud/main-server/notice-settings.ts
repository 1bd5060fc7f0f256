import { z } from 'zod'

/** The operator's mail server. TLS always: from the first byte, or by STARTTLS before anything else is said. */
export const MailSettings = z.strictObject({
  host: z.string().min(1).max(253),
  port: z.number().int().min(1).max(65_535),
  tls: z.enum(['implicit', 'starttls']),
  from: z.email(),
  /** Its password is `GANTRY_SMTP_PASSWORD` of the environment, or the first line of `passwordFile`, which nobody else may read. */
  user: z.string().min(1).max(200).nullable().default(null),
  passwordFile: z.string().nullable().default(null),
  /** PEM of who vouches for it; without it, whom this computer believes. */
  caFile: z.string().nullable().default(null),
})
export type MailSettings = z.infer<typeof MailSettings>

export const WebhookSettings = z.strictObject({
  /** PEM of who vouches for receivers; without it, whom this computer believes. */
  caFile: z.string().nullable().default(null),
  /** Networks that are not public and may be reached all the same, such as `10.20.0.0/16`. None by default. */
  privateNetworks: z
    .array(z.union([z.cidrv4(), z.cidrv6()]))
    .max(20)
    .default([]),
})
export type WebhookSettings = z.infer<typeof WebhookSettings>
