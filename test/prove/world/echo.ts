import type { Terminal } from '../../../main/services/services.ts'

/**
 * A shell on the device that does nothing but give back what it is sent, and a count of what came back: each line is numbered, so that a byte that is lost,
 * doubled or altered shows, and so does how long each took.
 */
export type Echo = {
  pid: number
  say(text: string): void
  type(everyMs: number): void
  rest(): void
  report(): { sent: number; echoed: number; wrong: number; closed: boolean; echoes: [number, number][] }
}

const nowMs = () => performance.timeOrigin + performance.now()

export async function openEcho(terminal: Terminal): Promise<Echo> {
  const ready = Promise.withResolvers<number>()
  let take = (text: string) => {
    seen += text
    const pid = /ready:(\d+)\n/.exec(seen)?.[1]
    if (pid) ready.resolve(Number(pid))
  }
  let seen = ''
  terminal.onData((data) => {
    terminal.drawn(data.length)
    take(data)
  })
  let closed = false
  void terminal.closed.then(({ exitCode, failure }) => {
    closed = true
    ready.reject(new Error(`no echo, exit ${exitCode}, ${failure?.code}: ${seen}`))
  })
  // Raw: what is sent comes back as it is, once. The shell becomes the program, so that its process id is the one that has to live.
  terminal.write("stty raw -echo; printf 'ready:%s\\n' $$; exec cat\n")
  const pid = await ready.promise

  const sentMs: number[] = []
  let echoed = 0
  let wrong = 0
  let rest = ''
  let echoes: [number, number][] = []
  take = (text) => {
    rest += text
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      const line = rest.slice(0, end)
      rest = rest.slice(end + 1)
      if (line !== lineOf(echoed)) wrong += 1
      const at = sentMs[echoed] ?? 0
      echoes.push([at, nowMs() - at])
      echoed += 1
    }
  }
  let timer: NodeJS.Timeout | undefined
  return {
    pid,
    say: (text) => terminal.write(text),
    type(everyMs) {
      clearInterval(timer)
      timer = setInterval(() => {
        if (closed) return
        terminal.write(`${lineOf(sentMs.length)}\n`)
        sentMs.push(nowMs())
      }, everyMs)
    },
    rest: () => clearInterval(timer),
    report() {
      const report = { sent: sentMs.length, echoed, wrong, closed, echoes }
      echoes = []
      return report
    },
  }
}

/** No two alike, and none the beginning of another. */
function lineOf(number: number): string {
  return `line ${number} of the count, ${(number * 2_654_435_761) % 4_294_967_296}`
}
