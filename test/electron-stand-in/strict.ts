import { EventEmitter } from 'node:events'
import { writeSync } from 'node:fs'

/** What a part of the stand-in may have: members of Electron's own type, with types that fit it. `satisfies Members<…>` also refuses a name that Electron does not have. */
export type Members<T> = Partial<Omit<T, keyof EventEmitter>>

/** Ends the process and says why: a test must not pass on something that does nothing. */
export function notImplemented(what: string): never {
  writeSync(2, `electron stand-in: ${what} is not implemented\n`)
  process.exit(70)
}

/** Names that the language, promises and JSON look for in any object. */
const asked = new Set(['then', 'toJSON', 'constructor', 'domain'])

/** An object whose missing members stop the process by name. */
export function strict<T extends object>(name: string, target: T): T {
  return new Proxy(target, {
    get(of, key) {
      if (typeof key === 'string' && !(key in of) && !asked.has(key)) notImplemented(`${name}.${key}`)
      return Reflect.get(of, key)
    },
  })
}

/**
 * The same with events. `emits` are those that happen here; `never` those that cannot, since what causes them is refused or absent, and to which one may listen.
 * Listening to any other stops the process: that listener would wait in vain.
 */
export function strictEmitter<T extends object>(name: string, events: { emits: readonly string[]; never?: readonly string[] }, members: T): T & EventEmitter {
  const emitter = new EventEmitter()
  emitter.setMaxListeners(0)
  const known = new Set<string | symbol>([...events.emits, ...(events.never ?? []), 'newListener'])
  emitter.on('newListener', (event: string | symbol) => {
    if (!known.has(event)) notImplemented(`${name}.on('${String(event)}')`)
  })
  Object.defineProperties(emitter, Object.getOwnPropertyDescriptors(members))
  return strict(name, emitter as T & EventEmitter)
}

/** Options that nobody here would heed stop the process, too. */
export function onlyKnown(name: string, options: object, known: readonly string[]): void {
  for (const key of Object.keys(options)) if (!known.includes(key)) notImplemented(`${name} option ${key}`)
}

export type Cancellable = { preventDefault(): void; readonly defaultPrevented: boolean }

/** An event whose default can be prevented, with what it tells. */
export function cancellable<T extends object>(facts: T): T & Cancellable {
  let isPrevented = false
  return {
    ...facts,
    preventDefault() {
      isPrevented = true
    },
    get defaultPrevented() {
      return isPrevented
    },
  }
}
