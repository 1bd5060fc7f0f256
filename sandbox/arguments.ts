import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { AppError } from '@gantry/shared/errors.ts'
import type { Language } from '@gantry/shared/words/errors.ts'

export type SandboxArguments = {
  state: string
  reset: boolean
  headless: boolean
  json: boolean
  browser: boolean
  build: boolean
  /** With the practice device, and the simulated person in front of it. */
  practice: boolean
  language: Language
  stopWithStdin: boolean
  /** How many of the devices run; all of them where it is left out. */
  devices: number | undefined
  help: boolean
}

/** `repository` is where the default state folder lies. Throws `usage.bad {option}`. */
export function readArguments(argv: string[], repository: string, env: NodeJS.ProcessEnv): SandboxArguments {
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        state: { type: 'string', default: resolve(repository, '.sandbox') },
        reset: { type: 'boolean', default: false },
        headless: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        browser: { type: 'boolean', default: false },
        build: { type: 'boolean', default: false },
        practice: { type: 'boolean', default: false },
        language: { type: 'string' },
        devices: { type: 'string' },
        'stop-with-stdin': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.json && !values.headless) throw new Error('--json needs --headless')
    if (values.language !== undefined && values.language !== 'en' && values.language !== 'fr') throw new Error('--language en or fr')
    if (values.devices !== undefined && !/^[1-9]$/.test(values.devices)) throw new Error('--devices 1 to 9')
    // npm runs scripts in the repository; what a person types is relative to where they are.
    const { 'stop-with-stdin': stopWithStdin, devices, ...rest } = values
    const language = (values.language as Language | undefined) ?? languageOf(env)
    return { ...rest, stopWithStdin, state: resolve(env.INIT_CWD ?? '.', values.state), language, devices: devices === undefined ? devices : Number(devices) }
  } catch (error) {
    throw new AppError('usage.bad', { cause: error, details: { problem: error instanceof Error ? error.message.slice(0, 200) : '' } })
  }
}

export function languageOf(env: NodeJS.ProcessEnv): Language {
  return /^fr/i.test(env.LC_ALL || env.LC_MESSAGES || env.LANG || '') ? 'fr' : 'en'
}
