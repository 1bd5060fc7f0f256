import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { WebPreferences } from 'electron'

/** What runs in Chromium before a page does: functions of `page/`, each whole in itself, as text. */
type PageFunction = (...inputs: never[]) => unknown
const load = createRequire(import.meta.url)
const source = (file: string, name: string) => String((load(join(import.meta.dirname, 'page', file)) as Record<string, PageFunction>)[name])

export const preloadWorldName = 'Electron Isolated Context'
export const bindingName = 'standInSend'

/** `token` is what the two worlds know each other by; a page cannot guess it. */
export function pageScripts({ preload, nodeIntegrationInSubFrames = false }: WebPreferences): { mainWorld: string; preloadWorld: string } {
  const token = randomBytes(16).toString('hex')
  const facts = { token, inSubFrames: nodeIntegrationInSubFrames, platform: process.platform, versions: process.versions }
  const kit = `{ createBridge: ${source('bridge.ts', 'createBridge')}, encode: ${source('codec.ts', 'encode')}, decode: ${source('codec.ts', 'decode')} }`
  const script = `(function (exports, require, module, process) {${preload === undefined ? '' : readFileSync(preload, 'utf8')}\n})`
  return {
    mainWorld: `(${source('main-world.ts', 'mainWorld')})(${source('bridge.ts', 'createBridge')}, ${JSON.stringify(token)})`,
    preloadWorld: `(${source('preload-world.ts', 'preloadWorld')})(${kit}, ${JSON.stringify(facts)}, ${script})`,
  }
}
