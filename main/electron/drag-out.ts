import type { NativeImage, WebContents } from 'electron'

/** A sheet of paper, 64 × 64 at twice the density. The system's own icon for a file would be asked of handlers that read it, and it came from a device. */
const sheet =
  'iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAYAAACqaXHeAAAAqklEQVR42u3WwQkCQQyG0e3MCoStzg4E2/Ig24SLnixgYCf51fdB7sODkFkWSZKGO63n1+z5e4BohM8Dn/s+ZeIRKgDu2yMXoQogFqESIBKhGiAOoQMgCqELIAahEyACoRugHaHyIxT5YwQwGWAUCgAAAAAAAAgCuNyuhw4AKwAAAAAAAJxBAFYAAAAAAAD83hkEYAUAAAAAAAAAAAAAAADwTQApA0CSpOHeI+6e47bvydMAAAAASUVORK5CYII='
export const dragIcon = { png: Buffer.from(sheet, 'base64'), scaleFactor: 2 } as const

export type DragOut = {
  /** Whether a button is held is known from what reaches this window's page, never from what the page says. */
  follow(contents: WebContents): void
  /** False, and nothing happens, where no button is held: Windows would drop the files at once on whatever the pointer is over. */
  drag(paths: readonly string[]): boolean
}

/** Hands files to the system's drag, out of the window that is followed. */
export function createDragOut(icon: () => NativeImage): DragOut {
  let held: WebContents | null = null
  return {
    follow(contents) {
      const release = () => {
        held = null
      }
      contents.on('input-event', (_event, { type }) => {
        if (type === 'mouseDown') held = contents
        else if (type === 'mouseUp') release()
      })
      contents.on('did-start-loading', release)
      contents.on('destroyed', release)
    },
    drag(paths) {
      const [file] = paths
      if (!held || held.isDestroyed() || file === undefined) return false
      const contents = held
      // The system takes the button from here on; the page is not told when it is let go.
      held = null
      contents.startDrag({ file, files: [...paths], icon: icon() })
      return true
    },
  }
}
