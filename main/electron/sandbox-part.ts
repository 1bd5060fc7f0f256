import { writeLine } from '@gantry/shared/node/lines.ts'
import { app } from 'electron'

/** In the sandbox the app is one of its parts: it says that it is ready, has pages shown by the sandbox's browser, and ends with its stdin. */
export function sayReady({ stopWithStdin }: { stopWithStdin: boolean }): void {
  void writeLine(process.stdout, { ready: true, pid: process.pid })
  if (stopWithStdin) process.stdin.on('end', () => app.quit()).resume()
}

/** A page that a person has to see; the sandbox opens its own main server's only. */
export function askToOpen(url: string): Promise<void> {
  return writeLine(process.stdout, { open: url })
}
