/** What crosses between the preload's world in Chromium and the stand-in. `inputs`, `value` and `error` are texts of `codec.ts`. */
export type FromPage =
  | { kind: 'hello' }
  | { kind: 'invoke'; id: number; channel: string; inputs: string }
  | { kind: 'open'; url: string; name: string; features: string }
  | { kind: 'preload-failed'; error: string }
  | { kind: 'missing'; what: string }
  /** The mouse's button, as the browser process sees it before the page does. */
  | { kind: 'button'; type: 'mouseDown' | 'mouseUp' }
export type ToPage =
  | { kind: 'event'; channel: string; inputs: string }
  | { kind: 'result'; id: number; ok: boolean; value: string }
  /** A drag has begun: the page sees no more of the button. */
  | { kind: 'dragged' }
