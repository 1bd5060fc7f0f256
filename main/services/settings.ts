import { join } from 'node:path'
import { Settings } from '@gantry/shared/ipc.ts'
import { readJsonFileIfThere, writeJsonFile } from '@gantry/shared/node/json-file.ts'
import type { Services } from './services.ts'

export const defaultSettings: Settings = {
  language: 'en',
  theme: 'system',
  density: 'comfortable',
  terminalFontSize: 13,
  terminalScreenReader: false,
  lockMinutes: 10,
  noticeSound: false,
  transferBytesPerSecond: null,
  favourites: [],
  savedViews: [],
  snippets: ['journalctl -u {{service}} -n {{lines}} --no-pager', 'du -sh {{folder}}/* | sort -h', 'sha256sum {{file}}'],
  layout: {},
}

/** `settings.json` in the profile. One that cannot be read counts as none: settings are a comfort and must not keep anybody from working. */
export function openSettings(profileDir: string): Services['settings'] {
  const path = join(profileDir, 'settings.json')
  let settings = readSettings(path)
  return {
    read: () => settings,
    async change(part) {
      settings = merge(settings, part)
      writeJsonFile(path, settings)
      return settings
    },
  }
}

function readSettings(path: string): Settings {
  try {
    return merge(defaultSettings, readJsonFileIfThere(path, Settings.partial()) ?? {})
  } catch {
    return defaultSettings
  }
}

function merge(settings: Settings, part: SettingsPart): Settings {
  const given = Object.entries(part).filter(([, value]) => value !== undefined)
  return Settings.parse({ ...settings, ...Object.fromEntries(given) })
}

export type SettingsPart = { [K in keyof Settings]?: Settings[K] | undefined }
