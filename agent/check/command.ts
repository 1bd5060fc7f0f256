import { promises as dns, getServers } from 'node:dns'
import { mkdirSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type AllowList, addressText, allowListCsv } from '@gantry/shared/allow-list.ts'
import { allowListRules } from '@gantry/shared/allow-list-rules.ts'
import type { Policy } from '@gantry/shared/device-policy.ts'
import { errorCodes } from '@gantry/shared/errors.ts'
import { itGuide } from '@gantry/shared/it-guide.ts'
import { readJsonFile } from '@gantry/shared/node/json-file.ts'
import type { Passport } from '@gantry/shared/passport.ts'
import { type AgentCommandWords, agentCommandEn } from '@gantry/shared/words/agent-command.en.ts'
import { agentCommandFr } from '@gantry/shared/words/agent-command.fr.ts'
import type { Language } from '@gantry/shared/words/errors.ts'
import { itGuideEn } from '@gantry/shared/words/it-guide.en.ts'
import { itGuideFr } from '@gantry/shared/words/it-guide.fr.ts'
import { passportEn } from '@gantry/shared/words/passport.en.ts'
import { passportFr } from '@gantry/shared/words/passport.fr.ts'
import { readPolicy } from '../access/policy-file.ts'
import { allowListOfDevice } from '../allowed-dial.ts'
import { answering, readArguments, requireLanguage } from '../command-line.ts'
import { Config } from '../config.ts'
import { readIdentity } from '../identity.ts'
import { createWayOut } from '../way-out.ts'
import { passportPage } from './passport-page.ts'
import { passportText } from './passport-text.ts'
import { runCheck } from './run-check.ts'

/**
 * `gantry-agent check` and `gantry-agent allow-list`: looks at a device from its own configuration, beside the living agent, without its state folder's lock. The result
 * goes to stdout, the progress to stderr. Exit codes: 0 everything passes, 1 with less in reserve, 5 closed; 2 usage, 3 connectivity is off, 130 cancelled.
 */
const words: Record<Language, { command: AgentCommandWords; passport: typeof passportEn; guide: typeof itGuideEn }> = {
  en: { command: agentCommandEn, passport: passportEn, guide: itGuideEn },
  fr: { command: agentCommandFr, passport: passportFr, guide: itGuideFr },
}
const exitOf: Record<Exclude<Passport['verdict'], 'running'>, number> = { open: 0, limited: 1, closed: 5 }
const formats = { check: ['text', 'html', 'json'], 'allow-list': ['json', 'csv', 'nft', 'guide'] } as const

export function runCommand(argv: string[]): Promise<number> {
  return answering(
    async (speaker) => {
      const asked = read(argv)
      const config = readJsonFile(asked.config, Config)
      const language = asked.language ?? config.language
      speaker.language = language
      return asked.command === 'check' ? check(config, { ...asked, language }) : print(config, { ...asked, language })
    },
    { en: words.en.command, fr: words.fr.command },
  )
}

type Asked = ReturnType<typeof read> & { language: Language }

async function check(config: Config, { language, format, output }: Asked): Promise<number> {
  const { command, passport } = words[language]
  const { list, identity, policy } = deviceOf(config)
  if (policy.connectivity === 'off') {
    console.error(command.off)
    return errorCodes['access.connectivity-off'].exit
  }
  const cancel = new AbortController()
  process.once('SIGINT', () => cancel.abort()).once('SIGTERM', () => cancel.abort())
  let asking = ''
  try {
    const result = await runCheck({
      list,
      ...createWayOut(config),
      identity,
      signal: cancel.signal,
      onProgress({ hosts }) {
        const host = hosts.find(({ hops }) => hops.some(({ verdict }) => verdict === 'waiting'))
        const next = host ? addressText(host) : ''
        if (next && next !== asking) console.error(command.asking(next))
        asking = next
      },
    })
    if (output) {
      write(result, output)
      console.error(command.written(output))
    }
    console.log(format === 'json' ? JSON.stringify(result, null, 2) : format === 'html' ? passportPage(result, passport) : passportText(result, passport))
    return exitOf[result.verdict === 'running' ? 'closed' : result.verdict]
  } catch (error) {
    if (!cancel.signal.aborted) throw error
    console.error(command.cancelled)
    return 130
  }
}

function write(passport: Passport, folder: string): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'passport.json'), `${JSON.stringify(passport, null, 2)}\n`)
  for (const language of ['en', 'fr'] as const) {
    writeFileSync(join(folder, `passport.${language}.html`), passportPage(passport, words[language].passport))
    writeFileSync(join(folder, `passport.${language}.txt`), passportText(passport, words[language].passport))
  }
}

async function print(config: Config, { language, format, router, resolver }: Asked): Promise<number> {
  const { list } = deviceOf(config)
  const forms = {
    json: () => `${JSON.stringify(list, null, 2)}\n`,
    csv: () => allowListCsv(list),
    guide: () => itGuide(list, words[language].guide, words[language].passport),
    nft: async () => {
      const at = router.length > 0 ? ({ kind: 'router', devices: router } as const) : ({ kind: 'device' } as const)
      return allowListRules(list, {
        at,
        resolvers: resolver ?? getServers().map(withoutPort).filter(isOutside),
        resolved: await resolveAll(list),
        direct: await directOf(list, config),
      })
    },
  }
  process.stdout.write(await forms[format === 'csv' || format === 'guide' || format === 'nft' ? format : 'json']())
  return 0
}

function deviceOf(config: Config): { list: AllowList; policy: Policy; identity: { cert: string; key: string } | null } {
  const known = readIdentity(config.stateDir)
  const enrolment = known?.enrolment ?? null
  const { policy } = readPolicy({ path: config.policyFile, stateDir: config.stateDir, deviceId: () => enrolment?.deviceId ?? null })
  const identity = known && enrolment ? { cert: enrolment.certificate, key: known.deviceKey } : null
  return { list: allowListOfDevice(config, enrolment, policy.servers), policy, identity }
}

/** What the proxy's exceptions name is reached straight. */
async function directOf({ hosts }: AllowList, config: Config): Promise<string[]> {
  const { isProxied } = createWayOut(config)
  const straight = await Promise.all(hosts.map(async (host) => ((await isProxied(host)) ? [] : [host.host])))
  return straight.flat()
}

/** What DNS says now, for the hosts whose addresses nobody documented. */
async function resolveAll(list: AllowList): Promise<Record<string, string[]>> {
  const names = [...list.hosts.filter(({ addresses }) => addresses.length === 0).map(({ host }) => host), ...(list.proxy ? [list.proxy.host] : [])]
  const asked = [...new Set(names)].filter((name) => isIP(name) === 0)
  const found = await Promise.all(asked.map(async (name) => [name, await dns.lookup(name, { all: true }).catch(() => [])] as const))
  return Object.fromEntries(found.map(([name, addresses]) => [name, addresses.map(({ address }) => address)]))
}

/** `getServers` adds a port where it is not 53. */
const withoutPort = (server: string) => /^\[(.+)\]:\d+$/.exec(server)?.[1] ?? (isIP(server) ? server : server.replace(/:\d+$/, ''))
/** A resolver on the device itself needs no rule of the network's. */
const isOutside = (address: string) => !/^127\.|^::1$/.test(address)

function read(argv: string[]) {
  return readArguments(() => {
    const many = { type: 'string', multiple: true } as const
    const one = { type: 'string' } as const
    const options = { config: one, language: one, format: one, output: one, router: many, resolver: many }
    const { values, positionals } = parseArgs({ args: argv, allowPositionals: true, options })
    const [command] = positionals
    const { config, format, output, router = [], resolver } = values
    if ((command !== 'check' && command !== 'allow-list') || positionals.length > 1) throw new Error('check or allow-list')
    if (!config) throw new Error('--config FILE')
    const language = requireLanguage(values.language)
    const known: readonly string[] = formats[command]
    if (format !== undefined && !known.includes(format)) throw new Error(`--format ${known.join('|')}`)
    if ([...router, ...(resolver ?? [])].some((address) => isIP(address) === 0)) throw new Error('--router, --resolver ADDRESS')
    return { command, config, language, format: format ?? known[0], output, router, resolver }
  })
}
