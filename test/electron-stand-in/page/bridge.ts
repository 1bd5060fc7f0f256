/**
 * Calls between two worlds of one document, one of which runs the preload and the other the page. The detail of a CustomEvent is cloned from world to world, and
 * dispatching is synchronous: so functions and promises go as numbers, and a call has its answer when the dispatch returns.
 */
export type Bridge = { send(message: Record<string, unknown>): unknown; pack(value: unknown): unknown; unpack(value: unknown): unknown }
type Message = { kind: string; id?: number; ok?: boolean; value?: unknown; inputs?: unknown }
type Answer = { value?: unknown; error?: string }

export function createBridge(outgoing: string, incoming: string, handle: (message: Record<string, unknown>) => unknown): Bridge {
  const functions = new Map<number, (...inputs: unknown[]) => unknown>()
  const ids = new WeakMap<object, number>()
  const promises = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let lastId = 0

  const idOf = (one: (...inputs: unknown[]) => unknown) => {
    const id = ids.get(one) ?? ++lastId
    ids.set(one, id)
    functions.set(id, one)
    return id
  }
  /** Plain objects and arrays are walked, each once, so that a cycle stays one; anything else is for the clone. */
  const walk = (value: unknown, leaf: (value: unknown) => unknown, seen = new Map<unknown, unknown>()): unknown => {
    const replaced = leaf(value)
    if (replaced !== value) return replaced
    const isPlain = typeof value === 'object' && value !== null && (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype)
    if (!isPlain) return value
    if (seen.has(value)) return seen.get(value)
    const copy = (Array.isArray(value) ? [] : {}) as Record<string, unknown>
    seen.set(value, copy)
    for (const key of Object.keys(value)) copy[key] = walk((value as Record<string, unknown>)[key], leaf, seen)
    return copy
  }
  const pack = (value: unknown) =>
    walk(value, (one) => {
      if (typeof one === 'symbol') throw new Error('An object could not be cloned.')
      if (typeof one === 'function') return { $function: idOf(one as never) }
      return one instanceof Promise ? { $promise: promiseId(one) } : one
    })
  const promiseId = (promise: Promise<unknown>): number => {
    const id = ++lastId
    promise.then(
      (value) => send({ kind: 'settled', id, ok: true, value: pack(value) }),
      (error: unknown) => send({ kind: 'settled', id, ok: false, value: error instanceof Error ? error.message : String(error) }),
    )
    return id
  }
  const unpack = (value: unknown) =>
    walk(value, (one) => {
      if (typeof one !== 'object' || one === null) return one
      if ('$function' in one) {
        const id = one.$function
        return (...inputs: unknown[]) => send({ kind: 'call', id, inputs: pack(inputs) })
      }
      if (!('$promise' in one)) return one
      const id = one.$promise as number
      return new Promise((resolve, reject) => promises.set(id, { resolve, reject }))
    })
  const send = (message: Record<string, unknown>): unknown => {
    let answer: Answer | null = null
    const take = (event: Event) => {
      answer = (event as CustomEvent<Answer>).detail
    }
    window.addEventListener(`${outgoing}-answer`, take)
    try {
      window.dispatchEvent(new CustomEvent(outgoing, { detail: message }))
    } finally {
      window.removeEventListener(`${outgoing}-answer`, take)
    }
    const { value, error } = (answer ?? { error: 'An object could not be cloned.' }) as Answer
    if (error !== undefined) throw new Error(error)
    return unpack(value)
  }
  const receive = (message: Message): unknown => {
    if (message.kind === 'call') return pack(functions.get(message.id as number)?.(...(unpack(message.inputs) as unknown[])))
    if (message.kind !== 'settled') return pack(handle(message))
    const waiting = promises.get(message.id as number)
    promises.delete(message.id as number)
    if (message.ok) waiting?.resolve(unpack(message.value))
    else waiting?.reject(new Error(String(message.value)))
    return undefined
  }
  window.addEventListener(incoming, (event) => {
    const answer: Answer = {}
    try {
      answer.value = receive((event as CustomEvent<Message>).detail)
    } catch (error) {
      answer.error = error instanceof Error ? error.message : String(error)
    }
    window.dispatchEvent(new CustomEvent(`${incoming}-answer`, { detail: answer }))
  })
  return { send, pack, unpack }
}
