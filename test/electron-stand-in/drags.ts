import { cpSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Item, NativeImage } from 'electron'
import { type Members, notImplemented, strict } from './strict.ts'

/**
 * A drag out of a window. Nobody's desktop is here: what is let go goes into the folder that `STAND_IN_DESKTOP` names, as a file manager would copy it. Where the pointer
 * is does not count.
 */
export type Drags = {
  start(item: Item): void
  /** True where the app hears of it: the end of a drag is the system's. */
  button(type: 'mouseDown' | 'mouseUp'): boolean
}

export function createDrags(onStart: () => void): Drags {
  let isHeld = false
  let dragged: string[] | null = null
  return {
    start({ file, files = [file], icon }) {
      if (files.length === 0 || files.some((path) => !path)) throw new Error("Must specify either 'file' or 'files' option")
      if (typeof icon === 'string' || icon.isEmpty()) throw new Error("Must specify non-empty 'icon' option")
      // Windows drops at once what is dragged with no button held.
      if (!isHeld) notImplemented('startDrag with no button held')
      dragged = files
      onStart()
    },
    button(type) {
      isHeld = type === 'mouseDown'
      if (isHeld || !dragged) return true
      drop(dragged)
      dragged = null
      return false
    },
  }
}

function drop(paths: readonly string[]): void {
  const desktop = process.env.STAND_IN_DESKTOP ?? notImplemented('a drag without STAND_IN_DESKTOP')
  for (const path of paths) cpSync(path, join(desktop, basename(path)), { recursive: true })
}

/** A picture is its file. */
export const nativeImage = strict('nativeImage', {
  createFromBuffer: (buffer: Buffer) => strict('NativeImage', { isEmpty: () => buffer.length === 0 } satisfies Members<NativeImage>) as NativeImage,
} satisfies Partial<typeof Electron.NativeImage>)
