import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { contentPolicy, noncePlaceholder } from '../content-policy.ts'

export type PageFile = { body: Buffer; headers: Record<string, string> }
export type PageFiles = { get(path: string): PageFile | null }

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
}

export const pageHeaders: Record<string, string> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), usb=(), serial=(), hid=(), bluetooth=()',
  'cache-control': 'no-store',
}

/**
 * A built page (the window, the front panel), read once (some 3 MB). A request names a file of this table or nothing: there is no path to walk out of,
 * and a file that is put into the folder later is not served.
 */
export async function readPageFiles(folder: string): Promise<PageFiles> {
  const files = new Map<string, { body: Buffer; type: string }>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const type = types[extname(entry.name)]
    if (entry.isFile() && type) files.set(`/${relative(folder, path).split(sep).join('/')}`, { body: await readFile(path), type })
  }
  return {
    get(path) {
      const file = files.get(path)
      if (!file) return null
      const headers = { ...pageHeaders, 'content-type': file.type }
      if (!file.type.startsWith('text/html')) return { body: file.body, headers }
      const nonce = randomBytes(18).toString('base64')
      const body = Buffer.from(file.body.toString('utf8').replaceAll(noncePlaceholder, nonce))
      return { body, headers: { ...headers, 'content-security-policy': contentPolicy(nonce) } }
    },
  }
}
