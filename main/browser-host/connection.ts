import type { Result } from '@gantry/shared/errors.ts'
import type { CallOutput, EventName } from '@gantry/shared/ipc.ts'
import type { WebSocket } from 'ws'
import { z } from 'zod'

/** `name` and `input` meet the contract's own schemas in `serve`; this is only the envelope. */
const Message = z.strictObject({ id: z.number().int().min(0), name: z.string().max(80), input: z.unknown() })

/** A window that takes nothing in is let go before it fills this process: events are held back to 100,000 characters a terminal by flow control. */
const maxWaitingBytes = 32 * 1024 * 1024
const policyViolation = 1008

export type Answer = (name: string, input: unknown) => Promise<Result<unknown>>
export type Connection = { tell(event: EventName, payload: unknown): void; close(): void }

/**
 * One window: calls in, results and events out, as JSON. What is not an envelope ends the connection. When it ends, the terminals that it opened are
 * closed: nobody can see them any more (a reloaded page opens its own).
 */
export function serveConnection(socket: WebSocket, answer: Answer): Connection {
  const terminals = new Set<string>()
  const send = (message: object) => {
    if (socket.readyState !== socket.OPEN) return
    if (socket.bufferedAmount > maxWaitingBytes) return socket.terminate()
    socket.send(JSON.stringify(message))
  }

  socket.on('message', (data, isBinary) => {
    const message = isBinary ? null : readMessage(data.toString())
    if (!message) return socket.close(policyViolation, 'bad message')
    void answer(message.name, message.input).then((result) => {
      if (message.name === 'terminal.open' && result.ok) terminals.add((result.value as CallOutput<'terminal.open'>).terminalId)
      if (socket.readyState !== socket.OPEN) return closeTerminals()
      send({ id: message.id, result })
    })
  })
  socket.on('error', () => socket.terminate())
  socket.on('close', closeTerminals)

  function closeTerminals(): void {
    for (const terminalId of terminals) void answer('terminal.close', { terminalId })
    terminals.clear()
  }
  return { tell: (event, payload) => send({ event, payload }), close: () => socket.terminate() }
}

function readMessage(text: string): z.infer<typeof Message> | null {
  try {
    return Message.parse(JSON.parse(text))
  } catch {
    return null
  }
}
