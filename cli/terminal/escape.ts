/** What becomes of typed bytes: some go to the device, and perhaps the person wants to leave. */
export type Typed = { send: Buffer; leave: boolean }

const [tilde, dot, carriageReturn, newline] = [0x7e, 0x2e, 0x0d, 0x0a]

/**
 * `~.` at the start of a line leaves, `~~` sends one tilde: what ssh(1) taught everybody. The tilde waits for the next byte, so that nobody at the device sees one
 * that was meant for us. Works across chunks, since a person types them one by one.
 */
export function createEscape(): (chunk: Buffer) => Typed {
  let atStart = true
  let held = false
  return (chunk) => {
    const send: number[] = []
    for (const byte of chunk) {
      if (held) {
        held = false
        if (byte === dot) return { send: Buffer.from(send), leave: true }
        send.push(tilde)
        atStart = false
        if (byte === tilde) continue
      } else if (byte === tilde && atStart) {
        held = true
        continue
      }
      send.push(byte)
      atStart = byte === carriageReturn || byte === newline
    }
    return { send: Buffer.from(send), leave: false }
  }
}
