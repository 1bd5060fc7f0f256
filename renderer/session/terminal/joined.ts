/** Sends what comes in one go as one text: a device that asks a thousand times gets its answers in one call, and a key goes out before anything else happens. */
export function joined(send: (text: string) => void): (text: string) => void {
  let waiting = ''
  return (text) => {
    if (waiting === '') {
      queueMicrotask(() => {
        const all = waiting
        waiting = ''
        send(all)
      })
    }
    waiting += text
  }
}
