import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { type JSValueHandle, QuickJS } from 'quickjs-wasi'
import { pacFunctions } from './functions.ts'

/**
 * Runs a PAC file: code that came over the network. It runs in QuickJS, compiled to WebAssembly, with nothing of Node in reach, bounded memory and time, and in a fresh sandbox for
 * each question. A name that it wants resolved is looked up outside; then it runs again with the answer, as Chromium does it, since the function must return at once.
 */
export type PacWorld = { lookup(name: string): Promise<string | null>; now(): Date; address(): string }

const limits = { memoryBytes: 33_554_432, stackBytes: 262_144, runMs: 2_000, maxNames: 20, maxAnswerCharacters: 4_096 } as const

let program: Promise<Buffer<ArrayBuffer>> | null = null

/** What `FindProxyForURL(url, host)` says. Throws whatever goes wrong in there. */
export async function evaluatePac(source: string, { url, host }: { url: string; host: string }, world: PacWorld): Promise<string> {
  program ??= readFile(new URL(import.meta.resolve('quickjs-wasi/quickjs.wasm')))
  const wasm = await program
  const known = new Map<string, string | null>()
  for (;;) {
    const missing = new Set<string>()
    const answer = await runOnce(wasm, source, { url, host }, world, (name) => {
      const found = known.get(name)
      if (found === undefined) missing.add(name)
      return found ?? null
    })
    if (missing.size === 0) return answer
    if (known.size + missing.size > limits.maxNames) throw new Error('the file asks for too many names')
    for (const name of missing) known.set(name, await world.lookup(name))
  }
}

async function runOnce(
  wasm: Buffer<ArrayBuffer>,
  source: string,
  asked: { url: string; host: string },
  world: PacWorld,
  lookup: (name: string) => string | null,
): Promise<string> {
  let deadline = Number.POSITIVE_INFINITY
  const vm = await QuickJS.create({
    wasm,
    memoryLimit: limits.memoryBytes,
    maxStackSize: limits.stackBytes,
    interruptHandler: () => performance.now() > deadline,
  })
  try {
    deadline = performance.now() + limits.runMs
    const resolve = vm.newFunction('__lookup', (name: JSValueHandle) => {
      const found = lookup(String(vm.dump(name)).slice(0, 255))
      return found === null ? vm.null : vm.newString(found)
    })
    vm.setProp(vm.global, '__lookup', resolve)
    const facts = `const __address = ${JSON.stringify(world.address())}; const __now = ${JSON.stringify(clockOf(world.now()))}`
    vm.evalCode(`${facts};${pacFunctions}`, 'functions').dispose()
    vm.evalCode(source, 'proxy.pac').dispose()
    const question = `String(FindProxyForURL(${JSON.stringify(asked.url)}, ${JSON.stringify(asked.host)})).slice(0, ${limits.maxAnswerCharacters})`
    return String(vm.dump(vm.evalCode(question, 'question')))
  } finally {
    vm.dispose()
  }
}

function clockOf(date: Date) {
  return {
    local: {
      ...{ year: date.getFullYear(), month: date.getMonth(), day: date.getDate(), weekday: date.getDay() },
      ...{ hour: date.getHours(), minute: date.getMinutes(), second: date.getSeconds() },
    },
    gmt: {
      ...{ year: date.getUTCFullYear(), month: date.getUTCMonth(), day: date.getUTCDate(), weekday: date.getUTCDay() },
      ...{ hour: date.getUTCHours(), minute: date.getUTCMinutes(), second: date.getUTCSeconds() },
    },
  }
}

/** This computer's own address, as its network cards have it: nobody is asked for it (D7). */
export function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((one) => one ?? [])
  return all.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1'
}
