import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { extractAll } from '@electron/asar'
import { boot } from './app.ts'
import { packagedApp } from './packaged-app.ts'

/**
 * Starts the app as Electron does: the one that is packed beside the program, else the script that the command line names, with the nearest package.json above it.
 * Chromium is started once the script has run.
 */
type Manifest = { name?: string; productName?: string; version?: string; main?: string }
const archive = packagedApp()
const appPath = archive === null ? folderWithPackage(dirname(namedScript())) : unpack(archive)
const manifest = JSON.parse(readFileSync(join(appPath, 'package.json'), 'utf8')) as Manifest
boot({ appPath, manifest, isPackaged: archive !== null })
createRequire(import.meta.url)(archive === null ? namedScript() : join(appPath, manifest.main ?? 'index.js'))

function namedScript(): string {
  const named = process.argv.slice(1).find((argument) => !argument.startsWith('-'))
  if (named === undefined) throw new Error('electron stand-in: no app was named')
  return resolve(named)
}

function folderWithPackage(folder: string): string {
  return existsSync(join(folder, 'package.json')) || folder === dirname(folder) ? folder : folderWithPackage(dirname(folder))
}

/** Node reads no archive: so what runs is a copy of exactly what was packed. */
function unpack(path: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'electron-stand-in-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  extractAll(path, folder)
  return folder
}
