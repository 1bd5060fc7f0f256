export type CommandWatch = { typed(data: string): void; printed(text: string): void }

/** Tells once a line was typed, sent with Enter, and the device printed a line after it. */
export function createCommandWatch(onCommand: () => void): CommandWatch {
  let hasText = false
  let isSent = false
  return {
    typed(data) {
      if (/[^\p{Cc}\s]/u.test(data)) hasText = true
      if (!hasText || !data.includes('\r')) return
      isSent = true
      hasText = false
    },
    printed(text) {
      if (!isSent || !text.includes('\n')) return
      isSent = false
      onCommand()
    },
  }
}
