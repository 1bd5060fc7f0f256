import type { Language } from '@gantry/shared/words/errors.ts'
import { Command, CommanderError, Option as CommandOption, type Option } from 'commander'
import { type Console, createConsole, type Io } from './console.ts'
import { type ExitCode, usageError } from './exit-code.ts'
import { chooseLanguage, commandLineWords } from './language.ts'
import { type AskDefaults, defaults } from './options.ts'
import { findPlace, type Place, profileOf } from './place.ts'
import { transferUsage } from './remote-path.ts'
import { version } from './version.ts'

/** What every command gets: where to work, how to speak, what was typed. */
export type CommandContext = { place: Place; console: Console; options: Record<string, string | boolean | undefined>; args: string[] }
/** Each command is loaded when it is used: `gantry --help` must not wait for an SSH library. Returns the exit code; a failure is thrown. */
type Load = () => Promise<(context: CommandContext) => Promise<ExitCode>>

const commands = {
  'sign-in': async () => (await import('./commands/sign-in.ts')).signIn,
  'sign-out': async () => (await import('./commands/sign-out.ts')).signOut,
  devices: async () => (await import('./commands/devices.ts')).listDevices,
  actions: async () => (await import('./commands/actions.ts')).listActions,
  run: async () => (await import('./commands/run.ts')).runAction,
  connect: async () => (await import('./commands/connect.ts')).connectDevice,
  put: async () => (await import('./commands/transfer.ts')).put,
  get: async () => (await import('./commands/transfer.ts')).get,
  'case list': async () => (await import('./commands/case.ts')).listCases,
  'case show': async () => (await import('./commands/case.ts')).showCase,
  'case escalate': async () => (await import('./commands/case.ts')).escalateCase,
  'case close': async () => (await import('./commands/case.ts')).closeCase,
  'audit verify': async () => (await import('./commands/audit-verify.ts')).auditVerify,
  'ssh-config': async () => (await import('./commands/ssh-config.ts')).sshConfig,
  keys: async () => (await import('./commands/keys.ts')).manageKeys,
  proxy: async () => (await import('./commands/proxy.ts')).setProxy,
} satisfies Record<string, Load>

/** Parses, runs, and turns every outcome into an exit code; nothing is thrown. */
export async function run(argv: string[], io: Io): Promise<ExitCode> {
  const json = argv.includes('--json')
  const early = createConsole(io, { language: chooseLanguage(io.env), json })
  let exit: ExitCode = 0
  const program = createProgram(early, async (load, typed) => {
    exit = await runCommand(load, typed, early)
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return exit
  } catch (error) {
    if (!(error instanceof CommanderError)) return early.fail(error)
    // Help and version were asked for, and given.
    if (error.exitCode === 0) return 0
    return early.fail(explain(error, early))
  }
}

type Typed = { options: Record<string, string | boolean | undefined>; args: string[] }

async function runCommand(load: Load, { options, args }: Typed, early: Console): Promise<ExitCode> {
  let console = early
  try {
    const text = (name: string) => (typeof options[name] === 'string' ? options[name] : undefined)
    const place = findPlace({ sandbox: text('sandbox'), server: text('server'), ca: text('ca') }, early.io.env, early.words.usage)
    console = createConsole(early.io, { language: languageFor(place, early), json: options.json === true })
    return await (await load())({ place, console, options, args })
  } catch (error) {
    return console.fail(error)
  }
}

function languageFor(place: Place, { io }: Console): Language {
  return chooseLanguage(io.env, profileOf(place) ?? undefined)
}

function createProgram({ io, words, language }: Console, act: (load: Load, typed: Typed) => Promise<void>): Command {
  const program = prepare(new Command('gantry'), io, language).description(words.about)
  program.version(version(), '-V, --version', words.options.version)
  program.option('--sandbox <DIR>', words.options.sandbox).option('--json', words.options.json)
  program.option('--server <URL>', words.options.server).option('--ca <FILE>', words.options.ca)
  program.helpCommand('help [command]', words.options.helpCommand)

  const add = (parent: Command, name: keyof typeof commands, usage: string) => {
    const [first = name] = name.split(' ').slice(-1)
    const command = prepare(parent.command(`${first}${usage}`), io, language).description(words.commands[name])
    command.action(async () => act(commands[name], { options: command.optsWithGlobals(), args: command.args }))
    return command
  }
  add(program, 'sign-in', '')
  add(program, 'sign-out', '')
  add(program, 'devices', '')
  describe(add(program, 'actions', ' <DEVICE>'), { DEVICE: words.arguments.device })
  const action = describe(add(program, 'run', ' <DEVICE> <ACTION>'), { DEVICE: words.arguments.device, ACTION: words.arguments.action })
  addAsk(action.option('--input <JSON>', words.options.input), null, language)
  addAsk(describe(add(program, 'connect', ' <DEVICE>'), { DEVICE: words.arguments.device }), defaults.connect, language)
  const transfers = { put: words.arguments.putPaths, get: words.arguments.getPaths } as const
  for (const name of ['put', 'get'] as const) {
    // Optional to commander alone: what is missing is named better by `parsePutPaths`.
    const command = describe(add(program, name, ' [PATHS...]'), { PATHS: transfers[name] })
    command.usage(`[options] ${transferUsage[name]}`)
    addAsk(command.option('--replace', words.options.replace), defaults.transfer, language)
  }
  const cases = prepare(program.command('case'), io, language).description(words.commands.case)
  add(cases, 'case list', '')
  const ofCase = (name: 'case show' | 'case escalate' | 'case close') =>
    describe(add(cases, name, ' <NUMBER>'), { NUMBER: words.arguments.caseNumber }).option('--customer <NAME>', words.options.caseCustomer)
  ofCase('case show')
  ofCase('case escalate').option('--to <USERNAME>', words.options.escalateTo).option('--reason <TEXT>', words.options.escalateReason)
  ofCase('case close').option('--resolution <TEXT>', words.options.resolution)
  const audit = prepare(program.command('audit'), io, language).description(words.commands.audit)
  describe(add(audit, 'audit verify', ' [PATH]'), { PATH: words.arguments.auditPath })
  addAsk(describe(add(program, 'ssh-config', ' <DEVICE>'), { DEVICE: words.arguments.device }), defaults['ssh-config'], language)
  add(program, 'keys', '').option('--create', words.options.createKeys).option('--request <FILE>', words.options.keysRequest)
  const proxy = describe(add(program, 'proxy', ' [SETTING]'), { SETTING: words.arguments.proxy })
  proxy.option('--user <NAME>', words.options.proxyUser).option('--except <LIST>', words.options.except).option('--proxy-ca <FILE>', words.options.proxyCa)
  return program
}

/** Commander exits and prints by itself unless told otherwise. Its settings are not inherited by commands that are added afterwards. */
function prepare(command: Command, io: Io, language: Language): Command {
  const words = commandLineWords[language]
  const { usage, ...headings } = words.headings
  const titles: Record<string, string> = {
    'Usage:': usage,
    'Arguments:': headings.arguments,
    'Options:': headings.options,
    'Global Options:': headings.globalOptions,
    'Commands:': headings.commands,
  }
  return command
    .exitOverride()
    .configureOutput({ writeOut: (text) => void io.stdout.write(text), writeErr: () => undefined, outputError: () => undefined })
    .configureHelp({ showGlobalOptions: true, styleTitle: (title) => titles[title] ?? title })
    .helpOption('-h, --help', words.options.help)
}

function describe(command: Command, descriptions: Record<string, string>): Command {
  for (const argument of command.registeredArguments) argument.description = descriptions[argument.name()] ?? ''
  return command
}

/** The options of a command that opens a session. None is required here: `parseAsk` names all that are missing at once. */
function addAsk(command: Command, given: AskDefaults | null, language: Language): Command {
  const { options } = commandLineWords[language]
  const all: Option[] = [
    new CommandOption('--reason <TEXT>', options.reason),
    new CommandOption('--case <ID>', options.case),
    new CommandOption('--access <LEVEL>', given ? options.access(given.access) : options.actionAccess),
    new CommandOption('--minutes <N>', options.minutes(given?.minutes ?? defaults.run.minutes)),
    new CommandOption('--kind <KIND>', options.kind),
    new CommandOption('--patient-data', options.patientData),
  ]
  for (const option of all) command.addOption(option)
  return command
}

/** Commander's own sentences are English, so only its code and the name in quotes are taken over. */
function explain(error: CommanderError, { words: { usage } }: Console) {
  const name =
    /'([^']*)'/
      .exec(error.message)?.[1]
      ?.split(/[ ,]+/)
      .find((word) => word.startsWith('--')) ??
    /'([^']*)'/.exec(error.message)?.[1] ??
    ''
  const option = name.startsWith('-') ? name : undefined
  if (error.code === 'commander.missingArgument') return usageError(usage.missingArgument(name.replaceAll('.', '')))
  if (error.code === 'commander.optionMissingArgument') return usageError(usage.missingValue(name), option)
  if (error.code === 'commander.unknownOption') return usageError(usage.unknownOption(name), option)
  if (error.code === 'commander.unknownCommand') return usageError(usage.unknownCommand(name))
  if (error.code === 'commander.excessArguments') return usageError(usage.tooMany(/: ([^:]*)\.$/.exec(error.message)?.[1] ?? ''))
  if (error.code.startsWith('commander.help')) return usageError(usage.noCommand)
  return usageError(error.message.replace(/^error: /, ''))
}
