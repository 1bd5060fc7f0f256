const windowMs = 2_000

/** Bytes per second over the last two seconds: what a person sees moves with the line, not with the average since the start. */
export function createSpeedometer(now: () => number): { add(bytes: number): void; bytesPerSecond(): number } {
  const started = now()
  let samples: { atMs: number; bytes: number }[] = []
  return {
    add(bytes) {
      const last = samples.at(-1)
      const atMs = now()
      // Chunks of one moment are one sample, so that a fast line does not fill the memory.
      if (last && atMs - last.atMs < 50) last.bytes += bytes
      else samples.push({ atMs, bytes })
    },
    bytesPerSecond() {
      const atMs = now()
      samples = samples.filter((sample) => atMs - sample.atMs <= windowMs)
      const spanMs = Math.max(50, Math.min(windowMs, atMs - started))
      return Math.round((samples.reduce((sum, { bytes }) => sum + bytes, 0) * 1_000) / spanMs)
    },
  }
}
