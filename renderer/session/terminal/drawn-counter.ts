/** Told so often and no more: the main process lets a held-back device go on below 5,000 characters that are not drawn. */
const tellEvery = 4_096

export type DrawnCounter = { received(characters: number): void; drawn(characters: number): void }

/**
 * Acknowledges what xterm has drawn. In a flood, in steps; at the end of the flood, to the last character, or the device would stay held back by a rest.
 */
export function createDrawnCounter(tell: (characters: number) => void): DrawnCounter {
  let untold = 0
  let undrawn = 0
  return {
    received(characters) {
      undrawn += characters
    },
    drawn(characters) {
      undrawn -= characters
      untold += characters
      if (untold < tellEvery && undrawn > 0) return
      tell(untold)
      untold = 0
    },
  }
}
