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

/** `settings.json` in the profile; until somebody chooses another, the language is the system's. A file that cannot be read counts as none: settings are a comfort and must not keep anybody from working. */
export function openSettings(profileDir: string, language: Settings['language']): Services['settings'] {
  const path = join(profileDir, 'settings.json')
  let settings = readSettings(path, { ...defaultSettings, language })
  return {
    read: () => settings,
    async change(part) {
      settings = merge(settings, part)
      writeJsonFile(path, settings)
      return settings
    },
  }
}

function readSettings(path: string, otherwise: Settings): Settings {
  try {
    return merge(otherwise, readJsonFileIfThere(path, Settings.partial()) ?? {})
  } catch {
    return otherwise
  }
}

function merge(settings: Settings, part: SettingsPart): Settings {
  const given = Object.entries(part).filter(([, value]) => value !== undefined)
  return Settings.parse({ ...settings, ...Object.fromEntries(given) })
}

export type SettingsPart = { [K in keyof Settings]?: Settings[K] | undefined }
