import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { enforceBoringSsl } from './boring-ssl.ts'
import { readSwitches } from './chromium.ts'
import { packagedApp } from './packaged-app.ts'

/** Before any other module: `electron` is the stand-in, the process looks like Electron's main process, and its crypto can no more than Electron's. */
const standIn = pathToFileURL(join(import.meta.dirname, 'electron.ts')).href
const names = new Set(['electron', 'electron/main', 'electron/common'])
registerHooks({
  resolve(specifier, context, next) {
    if (names.has(specifier)) return { url: standIn, shortCircuit: true }
    // In Electron the file system without archives; here there is no other.
    return next(specifier === 'original-fs' ? 'node:fs' : specifier, context)
  },
})
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../node_modules/electron/package.json'), 'utf8')) as { version: string }
process.argv = JSON.parse(process.env.STAND_IN_ARGV ?? '[]') as string[]
delete process.env.STAND_IN_ARGV
// Before a module of `-r` takes them away.
readSwitches(process.argv)
const give = (name: string, value: unknown) => Object.defineProperty(process, name, { value, enumerable: true, configurable: true })
give('versions', { ...process.versions, electron: version })
give('type', 'browser')
const archive = packagedApp()
give('defaultApp', archive === null ? true : undefined)
give('resourcesPath', archive === null ? join(import.meta.dirname, 'program/resources') : dirname(archive))
enforceBoringSsl()
