// electron-builder's hook, once an application folder is made (`afterPack`): adds each file of the application's archive, with its SHA-256, to the bill of materials beside it (goal D34).
// Plain JavaScript, since electron-builder loads it by itself. What Electron brings is the component `electron`.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { extractFile, listPackage, statFile } from '@electron/asar'

export function afterPack({ appOutDir, packager }) {
  const resources = packager.getResourcesDir(appOutDir)
  const file = join(resources, 'notices/sbom.cdx.json')
  const bom = JSON.parse(readFileSync(file, 'utf8'))
  bom.components = [...bom.components, ...filesOf(resources).map(componentOf)]
  writeFileSync(file, `${JSON.stringify(bom, null, 2)}\n`)
}

/** In the archive, and beside it what the system has to load from a file. */
function filesOf(resources) {
  const archive = join(resources, 'app.asar')
  const names = listPackage(archive, { isPack: false }).map((name) => name.replaceAll('\\', '/').slice(1))
  const packed = names.filter((name) => isFile(statFile(archive, name))).map((name) => [`app.asar/${name}`, extractFile(archive, name)])
  return [...packed, ...unpackedIn(join(resources, 'app.asar.unpacked'))].sort(([a], [b]) => (a < b ? -1 : 1))
}

/** Neither a folder nor one that lies outside of the archive. */
function isFile(entry) {
  return !('files' in entry) && entry.unpacked !== true
}

function unpackedIn(folder) {
  if (!existsSync(folder)) return []
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
  return entries.map((one) => {
    const path = join(one.parentPath, one.name)
    return [`app.asar.unpacked/${path.slice(folder.length + 1).replaceAll('\\', '/')}`, readFileSync(path)]
  })
}

function componentOf([name, content]) {
  return { type: 'file', 'bom-ref': name, name, hashes: [{ alg: 'SHA-256', content: createHash('sha256').update(content).digest('hex') }] }
}
