import { requestLimits } from '@gantry/shared/access-request.ts'
import type { RequestProgress } from '@gantry/shared/ipc.ts'
import type { Console } from './console.ts'
import { plain } from './plain.ts'

/**
 * A request as it goes on, on stderr: each step once, the matching code on a line of its own, and on a terminal below them what is waited for and since when.
 * Elapsed seconds count from the first step.
 */
export type Progress = {
  show(progress: RequestProgress): void
  /** Takes the waiting line away. Safe to call twice. */
  close(): void
}
export type ProgressOptions = { now?: () => number; every?: (tick: () => void) => () => void }

export function createProgress(console: Console, { now = Date.now, every = everySecond }: ProgressOptions = {}): Progress {
  const { io, words } = console
  const live = io.stderr.isTTY === true
  const told = new Set<string>()
  let latest: RequestProgress | null = null
  let stop: (() => void) | null = null

  const erase = () => void (live && stop && io.stderr.write('\r\u001b[K'))
  const draw = () => {
    const waiting = latest && waitingWords(latest, console)
    if (!live || !waiting) return
    const elapsed = words.progress.elapsed(secondsSince(latest, now()))
    io.stderr.write(`\r\u001b[K${`${waiting}… ${elapsed}`.slice(0, Math.max((io.stderr.columns ?? 80) - 1, 20))}`)
  }
  return {
    show(progress) {
      erase()
      latest = progress
      for (const line of newLines(progress, told, console)) console.say(line)
      if (live) stop ??= every(draw)
      draw()
    },
    close() {
      erase()
      stop?.()
      stop = null
      latest = null
    },
  }
}

function newLines(progress: RequestProgress, told: Set<string>, { words }: Console): string[] {
  const lines: string[] = []
  const first = progress.steps[0]?.atMs ?? 0
  for (const { name, atMs } of progress.steps) {
    if (told.has(name)) continue
    // The code has a line of its own, and may be known a moment after its step.
    if (name === 'code' && progress.code === null) continue
    told.add(name)
    if (name === 'code') lines.push(words.progress.code(grouped(progress.code ?? '')), progress.typed ? words.progress.readOut : words.progress.compare)
    else lines.push(`${stepWords(name, progress, words)} (${words.progress.elapsed(Math.round((atMs - first) / 1_000))})`)
  }
  if (progress.contact && !told.has(progress.contact)) {
    told.add(progress.contact)
    lines.push(words.progress.contact[progress.contact])
  }
  return lines
}

type Words = Console['words']

function stepWords(name: RequestProgress['steps'][number]['name'], progress: RequestProgress, words: Words): string {
  // No code and no question: the device's own rules said yes.
  if (name === 'approved' && !progress.steps.some((step) => step.name === 'asking')) return words.progress.approvedByPolicy
  const server = progress.accessServer ? `${plain(progress.accessServer.name)}, ${plain(progress.accessServer.site)}` : ''
  return words.progress.steps[name]({ checks: progress.passed.length, server, seconds: requestLimits.answerSeconds })
}

/** 3 + 3, as the panel shows it. */
export function grouped(code: string): string {
  return `${code.slice(0, 3)} ${code.slice(3)}`
}

function waitingWords({ state, contact }: RequestProgress, { words }: Console): string | null {
  const { waitingFor } = words.progress
  if (contact) return words.progress.contact[contact]
  return state in waitingFor ? waitingFor[state as keyof typeof waitingFor] : null
}

function secondsSince(progress: RequestProgress | null, nowMs: number): number {
  return Math.max(0, Math.round((nowMs - (progress?.steps[0]?.atMs ?? nowMs)) / 1_000))
}

function everySecond(tick: () => void): () => void {
  const timer = setInterval(tick, 1_000)
  timer.unref()
  return () => clearInterval(timer)
}
