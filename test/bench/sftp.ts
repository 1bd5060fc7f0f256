import { spawn } from 'node:child_process'

/**
 * OpenSSH's `sftp`, connected first and then told what to do, so that a rate is that of the transfer alone: our own legs are open too when a file is sent.
 * It reads commands line by line and answers `pwd` when it is through with those before.
 */
export type Sftp = {
  pid: number
  connectSeconds: number
  get(remote: string, local: string): Promise<number>
  put(local: string, remote: string): Promise<number>
  close(): Promise<void>
}

const answer = 'Remote working directory:'

/** `argv` is what stands before and in place of the host. Transfers resolve with their seconds. */
export async function connectSftp(argv: string[], { onStderr }: { onStderr?: (text: string) => void } = {}): Promise<Sftp> {
  const start = performance.now()
  const child = spawn('sftp', ['-q', '-b', '-', ...argv], { stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: process.env.PATH ?? '' } })
  let told = ''
  let said = ''
  let look = () => {}
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    told += text
    onStderr?.(text)
  })
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
    look()
  })
  child.stdin.on('error', () => undefined)
  const gone = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const failed = gone.then((code) => Promise.reject(new Error(`sftp ended with ${code}: ${told.slice(-500)}`)))
  failed.catch(() => undefined)
  const after = async (...commands: string[]): Promise<number> => {
    said = ''
    const startMs = performance.now()
    const through = new Promise<number>((resolve) => {
      look = () => {
        if (said.includes(answer)) resolve((performance.now() - startMs) / 1_000)
      }
    })
    child.stdin.write(`${[...commands, 'pwd'].join('\n')}\n`)
    return Promise.race([through, failed])
  }
  await after()
  const connectSeconds = (performance.now() - start) / 1_000
  return {
    pid: child.pid ?? 0,
    connectSeconds,
    get: (remote, local) => after(`get ${remote} ${local}`),
    put: (local, remote) => after(`put ${local} ${remote}`),
    async close() {
      child.stdin.end()
      await gone
    },
  }
}
