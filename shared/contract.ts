import { z } from 'zod'
import { AppError, type Result, toFailure } from './errors.ts'

/** A table of named requests: one object in, one object out, failure as a value with a code. */
export type Contract = Record<string, { input: z.ZodType; output: z.ZodType }>
export type Input<C extends Contract, N extends keyof C> = z.output<C[N]['input']>
export type Output<C extends Contract, N extends keyof C> = z.output<C[N]['output']>

/** A failure inside of an answer or event, as it is shown later. */
export const FailureShape = z.object({ code: z.string(), details: z.record(z.string(), z.union([z.string(), z.number()])).optional() })

/** One function per name, no more and no less: the compiler checks it. */
export type Handlers<C extends Contract, Context> = {
  [N in keyof C]: (input: Input<C, N>, context: Context) => Promise<Output<C, N>> | Output<C, N>
}

/** What `serve` gives back: it never throws, and a defect is `internal` with its cause handed to `onDefect`. */
export type Serve<Context> = (name: string, input: unknown, context: Context) => Promise<Result<unknown>>

/**
 * Turns a contract and its handlers into one function that never throws.
 * Errors: `contract.unknown-name`, `contract.bad-input` (with the first field that does not fit), and what the handler throws.
 */
export function serve<C extends Contract, Context>(
  contract: C,
  handlers: Handlers<C, Context>,
  onDefect: (error: unknown, name: string) => void,
): Serve<Context> {
  return async (name, input, context) => {
    try {
      const entry = Object.hasOwn(contract, name) ? contract[name] : undefined
      const handler = entry && handlers[name]
      if (!entry || !handler) throw new AppError('contract.unknown-name', { details: { name: name.slice(0, 80) } })
      const parsed = entry.input.safeParse(input)
      if (!parsed.success) throw badInput(name, parsed.error)
      return { ok: true, value: await handler(parsed.data as never, context) }
    } catch (error) {
      if (!(error instanceof AppError) || error.code === 'internal') onDefect(error instanceof AppError ? (error.cause ?? error) : error, name)
      return { ok: false, failure: toFailure(error) }
    }
  }
}

/** Parses what came from outside, or throws `contract.bad-input` naming the field; the value itself is never repeated. */
export function parse<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw badInput(name, parsed.error)
  return parsed.data
}

function badInput(name: string, error: z.ZodError): AppError {
  const field = error.issues[0]?.path.join('.') || 'input'
  return new AppError('contract.bad-input', { details: { name, field: field.slice(0, 80) }, cause: error })
}
