/** The table: what is measured, against whom, and how good it has to be. `floor` must hold, `aim` is where it shall go. A row fills in one or more of these. */
export type FigureRow = {
  id: string
  row: RowName
  what: string
  unit: 'ratio' | 's/GB' | 'KiB' | 's' | 'MB' | 'ms'
  better: 'higher' | 'lower'
  floor: number
  aim: number
}
export type RowName = (typeof rowNames)[number]
export const rowNames = ['prompt', 'echo', 'flood', 'resume', 'files', 'delay', 'openssh', 'busy', 'pairs', 'window'] as const

const higher = { unit: 'ratio', better: 'higher' } as const
const lower = { unit: 'ratio', better: 'lower' } as const

export const figureRows: readonly FigureRow[] = [
  { id: 'get-jump', row: 'files', what: 'get, against `sftp -J`', ...higher, floor: 1.2, aim: 2 },
  { id: 'put-jump', row: 'files', what: 'put, against `sftp -J`', ...higher, floor: 1.5, aim: 2.5 },
  { id: 'get-direct', row: 'files', what: 'get, against sftp without any relay', ...higher, floor: 0.6, aim: 1 },
  { id: 'put-direct', row: 'files', what: 'put, against sftp without any relay', ...higher, floor: 0.75, aim: 1.2 },
  { id: 'relay-cpu', row: 'files', what: 'access server: CPU per GB, the dearer direction', unit: 's/GB', better: 'lower', floor: 1.3, aim: 0.7 },
  // The same marks, divided by the 1.73 s/GB that the pair of stunnels spent on the machine for which they were set.
  { id: 'relay-stunnel', row: 'files', what: 'the same, against a pair of stunnels that carry ssh', ...lower, floor: 0.75, aim: 0.4 },
  { id: 'get-delayed', row: 'delay', what: 'get at 50 ms RTT, against sftp through the same delay', ...higher, floor: 4, aim: 8 },
  { id: 'put-delayed', row: 'delay', what: 'put at 50 ms RTT, against sftp through the same delay', ...higher, floor: 4, aim: 8 },
  { id: 'sftp-get', row: 'openssh', what: 'OpenSSH’s own sftp through Gantry: get, against `sftp -J`', ...higher, floor: 0.6, aim: 1 },
  { id: 'sftp-put', row: 'openssh', what: 'OpenSSH’s own sftp through Gantry: put, against `sftp -J`', ...higher, floor: 0.9, aim: 1.5 },
  { id: 'prompt', row: 'prompt', what: 'from Allow to the prompt, against connecting with `ssh -R` + `-J`', ...lower, floor: 0.15, aim: 0.05 },
  { id: 'echo-p50', row: 'echo', what: 'echo of a key, median, against `ssh -R` + `-J`', ...lower, floor: 1.1, aim: 0.6 },
  { id: 'echo-p99', row: 'echo', what: 'echo of a key, p99, against `ssh -R` + `-J`', ...lower, floor: 4, aim: 1.5 },
  { id: 'echo-busy', row: 'busy', what: 'echo p95 during a get, against `ssh -R` + `-J` doing the same', ...lower, floor: 1.5, aim: 1 },
  { id: 'pair-memory', row: 'pairs', what: 'access server: memory of an idle session pair', unit: 'KiB', better: 'lower', floor: 200, aim: 120 },
  { id: 'resume', row: 'resume', what: '`kill -9` of the carrying access server to the next echo, median', unit: 's', better: 'lower', floor: 2, aim: 0.3 },
  { id: 'resume-max', row: 'resume', what: '`kill -9` of the carrying access server to the next echo, longest', unit: 's', better: 'lower', floor: 5, aim: 1 },
  { id: 'flood-memory', row: 'flood', what: 'client: memory growth over a flood of the terminal', unit: 'MB', better: 'lower', floor: 100, aim: 20 },
  { id: 'flood-echo', row: 'flood', what: 'client: echo of a key during that flood, same terminal, p95', unit: 'ms', better: 'lower', floor: 100, aim: 30 },
  { id: 'window-start', row: 'window', what: 'window: from its opening to a list that takes keys', unit: 's', better: 'lower', floor: 3, aim: 1 },
  { id: 'list-frames', row: 'window', what: 'window: a frame while 5,000 devices are scrolled, p95', unit: 'ms', better: 'lower', floor: 34, aim: 17 },
  { id: 'flood-frames', row: 'window', what: 'window: a frame while a terminal prints without end, p95', unit: 'ms', better: 'lower', floor: 100, aim: 34 },
  { id: 'window-memory', row: 'window', what: 'window: heap with five sessions, scrollbacks full', unit: 'MB', better: 'lower', floor: 200, aim: 100 },
]

/** What a row measured for one figure; the texts say the two sides in their own units. */
export type Measured = { id: string; value: number; min: number; max: number; rounds: number; ours: string; theirs: string }
/** A figure that could not be had, and why. */
export type Missing = { id: string; missing: string }
export type Verdict = 'aim' | 'floor' | 'below'

export function judge({ better, floor, aim }: Pick<FigureRow, 'better' | 'floor' | 'aim'>, value: number): Verdict {
  const reaches = (mark: number) => (better === 'higher' ? value >= mark : value <= mark)
  return reaches(aim) ? 'aim' : reaches(floor) ? 'floor' : 'below'
}
