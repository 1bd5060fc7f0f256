import type { RequestId } from '@gantry/shared/ids.ts'
import type { AgentToPanel } from '@gantry/shared/panel.ts'

/**
 * The terminal's output as the specialist sees it, for the person at the device; what is typed comes by only where the program echoes it.
 * Bounded twice: a message stays under the panel's line limit, and a flood is thinned to what an eye can follow, with a mark where octets are missing.
 */
export type PanelTee = {
  /** A terminal of its own on the panel, numbered from 1. Raw octets; the panel treats them as hostile. */
  openTerminal(): (chunk: Uint8Array) => void
  close(): void
}

/** As quick as an eye needs it. More often would wake panel and page between a key and its echo, on devices with few cores. */
const intervalMs = 100
const keepBytes = 32_768
const gap = Buffer.from('\r\n[\u2026]\r\n')

type Options = { requestId: RequestId; tellPanel(message: AgentToPanel): void }

export function createPanelTee({ requestId, tellPanel }: Options): PanelTee {
  const flushes = new Set<() => void>()
  let terminals = 0
  return {
    openTerminal() {
      terminals += 1
      const terminal = terminals
      let parts: Buffer[] = []
      let length = 0
      let timer: NodeJS.Timeout | null = null
      const flush = () => {
        if (timer) clearTimeout(timer)
        timer = null
        if (length === 0) return
        const whole = Buffer.concat(parts, length)
        const data = length > keepBytes ? Buffer.concat([gap, whole.subarray(length - keepBytes)]) : whole
        parts = []
        length = 0
        tellPanel({ type: 'session.output', requestId, terminal, data: data.toString('base64') })
      }
      flushes.add(flush)
      return (chunk) => {
        parts.push(Buffer.from(chunk))
        length += chunk.length
        // Of a flood only the end is shown: older parts are dropped as soon as the newer ones fill a message.
        while (parts[0] && length - parts[0].length > keepBytes) length -= parts.shift()?.length ?? 0
        timer ??= setTimeout(flush, intervalMs)
      }
    },
    close() {
      for (const flush of flushes) flush()
    },
  }
}
