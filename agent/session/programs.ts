import type { SessionConfig } from './grant.ts'
import { cleanEnvironment, type Separation } from './separation.ts'

/** What a session may start, and with what around it. Everything runs through the same wrapper; there is no second way to a process. */
export type Program = { file: string; args: string[]; cwd: string; env: Record<string, string> }
export type Programs = {
  shell(locale: Record<string, string>): Program
  exec(command: string, locale: Record<string, string>): Program
  menu(locale: Record<string, string>): Program
}

export function createPrograms({ config, separation, mark }: { config: SessionConfig; separation: Separation; mark: string }): Programs {
  const { shell, filesRoot, service } = config
  const program = (argv: readonly string[], locale: Record<string, string>): Program => ({
    ...separation.wrap(argv, filesRoot),
    // Where SFTP's `/` is, so that a relative path means the same file through every door.
    cwd: filesRoot,
    env: cleanEnvironment({ user: separation.user, shell, mark, locale }),
  })
  return {
    shell: (locale) => program([shell, '-l'], locale),
    exec: (command, locale) => program([shell, '-c', command], locale),
    menu: (locale) => program(service.menu, locale),
  }
}
