import { EventEmitter } from 'node:events'
import type { Item, NativeImage, WebContents } from 'electron'
import { describe, expect, test } from 'vitest'
import { createDragOut } from './drag-out.ts'

const icon = { isEmpty: () => false } as NativeImage

function openContents() {
  const started: Item[] = []
  const contents = Object.assign(new EventEmitter(), { startDrag: (item: Item) => void started.push(item), isDestroyed: () => false })
  const input = (type: string) => contents.emit('input-event', {}, { type, modifiers: [] })
  return { contents: contents as unknown as WebContents, emit: contents.emit.bind(contents), input, started }
}

describe('a drag out of the window (R073)', () => {
  test('begins while a button is held, with all files, and only once', () => {
    const window = openContents()
    const dragOut = createDragOut(() => icon)
    dragOut.follow(window.contents)
    window.input('mouseDown')
    expect(dragOut.drag(['/home/elena/a.log', '/home/elena/b.log'])).toBe(true)
    expect(window.started).toEqual([{ file: '/home/elena/a.log', files: ['/home/elena/a.log', '/home/elena/b.log'], icon }])
    expect(dragOut.drag(['/home/elena/a.log'])).toBe(false)
  })

  test('begins for nobody who holds no button: before a press, after its end, after a page is gone, without a file', () => {
    const window = openContents()
    const dragOut = createDragOut(() => icon)
    expect(dragOut.drag(['/a'])).toBe(false)
    dragOut.follow(window.contents)
    window.input('mouseMove')
    expect(dragOut.drag(['/a'])).toBe(false)
    for (const end of [() => window.input('mouseUp'), () => window.emit('did-start-loading'), () => window.emit('destroyed')]) {
      window.input('mouseDown')
      end()
      expect(dragOut.drag(['/a'])).toBe(false)
    }
    window.input('mouseDown')
    expect(dragOut.drag([])).toBe(false)
    expect(window.started).toEqual([])
  })
})
