import { readFile, stat } from 'node:fs/promises'
import { z } from 'zod'
import { AppError } from '../errors.ts'

/** A proxy's user and password. No colon in a user name (RFC 7617 section 2), and nothing that would end a header. */
const printable = (text: string) => !/\p{Cc}/u.test(text)
export const ProxyCredentials = z.strictObject({
  user: z
    .string()
    .min(1)
    .max(256)
    .refine((user) => printable(user) && !user.includes(':')),
  password: z.string().max(1_024).refine(printable),
})

/** From a file of its own, `{"user","password"}`, which only the program's own user may read. Errors: `proxy.setting-bad {setting: path, reason: file | file-open}`. */
export async function readProxyCredentials(path: string): Promise<z.infer<typeof ProxyCredentials>> {
  const bad = (reason: string, cause?: unknown) => new AppError('proxy.setting-bad', { details: { setting: path, reason }, cause })
  try {
    const { mode } = await stat(path)
    // Windows has no such bits.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) throw bad('file-open')
    return ProxyCredentials.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    // The cause of a parser would quote the password.
    throw error instanceof AppError ? error : bad('file', error instanceof Error && 'code' in error ? error : undefined)
  }
}
