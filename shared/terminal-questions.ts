/** A control sequence (CSI, ECMA-48 section 5.4) by what stands around its numbers. */
export type ControlSequence = { prefix?: string; intermediates?: string; final: string }

/**
 * What makes a terminal answer, or act on its window; here also what this xterm does not know, since the next one may. Three questions are left, which programs cannot
 * do without: who are you (DA1), are you there (DSR 5), where is the cursor (CPR, DSR 6).
 */
export const questions: readonly ControlSequence[] = [
  // Device attributes, secondary and tertiary; name and version; terminal parameters.
  { prefix: '>', final: 'c' },
  { prefix: '=', final: 'c' },
  { prefix: '>', final: 'q' },
  { final: 'x' },
  // State of a mode, private state, presentation, checksum of an area, of macros, displayed extent, locator.
  { intermediates: '$', final: 'p' },
  { prefix: '?', intermediates: '$', final: 'p' },
  { prefix: '?', final: 'n' },
  { prefix: '>', final: 'n' },
  { intermediates: '$', final: 'w' },
  { intermediates: '$', final: 'u' },
  { intermediates: '&', final: 'u' },
  { intermediates: '*', final: 'y' },
  { intermediates: '"', final: 'v' },
  { intermediates: "'", final: '|' },
  { intermediates: '#', final: 'S' },
  { intermediates: '+', final: 'T' },
  // Keyboard protocols: asked for, set, pushed, taken back.
  { prefix: '?', final: 'm' },
  { prefix: '?', final: 'u' },
  { prefix: '>', final: 'u' },
  { prefix: '<', final: 'u' },
  { prefix: '=', final: 'u' },
  // Size, place and title of the window; graphics.
  { final: 't' },
  { prefix: '>', final: 't' },
  { prefix: '?', final: 'S' },
]

/** Focus events tell a device whether somebody is looking. Who asks for them in one breath with other modes gets none of these. */
export const focusEvents = 1004
