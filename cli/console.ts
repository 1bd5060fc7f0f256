import type { Readable, Writable } from 'node:stream'
import { AppError, type Failure, toFailure } from '@gantry/shared/errors.ts'
import type { CommandLineWords } from '@gantry/shared/words/command-line.en.ts'
import { errorWords, type Language } from '@gantry/shared/words/errors.ts'
import { type ExitCode, exitCodeOf } from './exit-code.ts'
import { commandLineWords } from './language.ts'
import { plain } from './plain.ts'

/** What a command reads and writes: the process's own, or a test's. */
export type Io = {
  stdin: Readable & { isTTY?: boolean; setRawMode?(raw: boolean): unknown }
  stdout: Writable & { isTTY?: boolean; columns?: number; rows?: number }
  stderr: Writable & { isTTY?: boolean; columns?: number }
  env: NodeJS.ProcessEnv
}

/**
 * The two ways a command speaks. stdout holds the answer alone: text, or with `--json` one document { ok: true, value } or { ok: false, failure }.
 * Everything said on the way, and every failure in words, goes to stderr.
 */
export type Console = {
  io: Io
  language: Language
  words: CommandLineWords
  json: boolean
  /** The answer, once. `text` is not asked for where JSON is wanted. */
  answer(value: unknown, text: () => string): void
  say(line: string): void
  /** Tells the failure and returns its exit code. `logPath` is named for defects. */
  fail(error: unknown, logPath?: string | undefined): ExitCode
}

export type ConsoleOptions = { language: Language; json: boolean }

export function createConsole(io: Io, { language, json }: ConsoleOptions): Console {
  const words = commandLineWords[language]
  const say = (line: string) => void io.stderr.write(`${line}\n`)
  return {
    io,
    language,
    words,
    json,
    say,
    answer(value, text) {
      io.stdout.write(json ? `${JSON.stringify({ ok: true, value })}\n` : text())
    },
    fail(error, logPath) {
      const failure = toFailure(error)
      say(failureLine(failure, language))
      if (failure.code === 'internal') {
        if (error instanceof Error && !(error instanceof AppError) && io.env.GANTRY_DEBUG) say(plain(error.stack ?? error.message))
        if (logPath !== undefined) say(words.progress.logAt(logPath))
      }
      if (json) io.stdout.write(`${JSON.stringify({ ok: false, failure })}\n`)
      return exitCodeOf(failure.code)
    },
  }
}

/** One line: what happened, what to do, and the code to look it up or report it by. Details may hold a device's or a server's own names. */
export function failureLine(failure: Failure, language: Language): string {
  const { what, todo } = errorWords(failure, language)
  return commandLineWords[language].progress.failure(plain(what), plain(todo), failure.code)
}
