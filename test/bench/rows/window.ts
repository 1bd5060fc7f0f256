import type { Page } from 'playwright'
import { drawLimits } from '../../../main/services/sessions/terminal.ts'
import { localFiles, manyDevices, nowMs, remoteFiles, session } from '../../window/support/fixtures.ts'
import { closeBrowser, openWindow, type Script, type TestWindow } from '../../window/support/open-window.ts'
import { quantile, short } from '../statistics.ts'
import { plainFigure, type Row } from './row.ts'

const many = 5_000
const sessions = 5
const scrollback = 10_000

/**
 * The built window in Chromium, with services that answer at once: what drawing alone costs. There is no graphics processor on the machines of the bench, so Chromium paints with the
 * same two cores. A frame is the time from one animation frame to the next, 16.7 ms at 60 a second.
 */
export const window: Row = {
  name: 'window',
  async run({ options, say }) {
    const [starts, frames, floods, heaps]: number[][] = [[], [], [], []]
    try {
      for (let round = 0; round < options.rounds; round += 1) {
        const list = await scrollList()
        starts?.push(list.startSeconds)
        frames?.push(quantile(list.frames, 0.95))
        floods?.push(quantile(await framesOfFlood(options.floodMb * 1e6), 0.95))
        heaps?.push(await heapOfSessions())
        say(`round ${round + 1}: ${[starts, frames, floods, heaps].map((all) => short(all?.at(-1) ?? 0)).join(', ')}`)
      }
    } finally {
      await closeBrowser()
    }
    const ms = (value: number) => `${short(value)} ms`
    return {
      figures: [
        plainFigure('window-start', starts ?? [], (value) => `${short(value)} s with ${many} devices`),
        plainFigure('list-frames', frames ?? [], ms),
        plainFigure('flood-frames', floods ?? [], ms),
        plainFigure('window-memory', heaps ?? [], (value) => `${short(value)} MB`),
      ],
      samples: { starts, frames, floods, heaps },
    }
  },
}

const look = { runningClock: true } as const

/** From the call of the page to a list that takes a key; then it is scrolled from end to end, so that each frame has rows that were not there before. */
async function scrollList(): Promise<{ startSeconds: number; frames: number[] }> {
  const begin = performance.now()
  const opened = await openWindow({ 'device.list': () => ({ devices: manyDevices(many), atMs: nowMs, offline: false }) }, look)
  try {
    const { page } = opened
    await page.keyboard.press('/')
    await page.getByRole('searchbox').and(page.locator(':focus')).waitFor()
    await page.getByText('5,000 devices').waitFor()
    const startSeconds = (performance.now() - begin) / 1_000
    const frames = await framesDuring(page, 3_000, '.rows')
    return { startSeconds, frames }
  } finally {
    await opened.close()
  }
}

/** Bytes as a program prints them that does not stop. The window says what it has drawn, and gets no more before that, as from the services. */
async function framesOfFlood(bytes: number): Promise<number[]> {
  const line = `${'\u001b[32mok\u001b[0m '.repeat(8)}0123456789 abcdefghijklmnopqrstuvwxyz\r\n`
  const piece = line.repeat(Math.ceil(65_536 / line.length))
  let left = bytes
  let undrawn = 0
  let opened: TestWindow | null = null
  const more = () => {
    for (; left > 0 && undrawn < drawLimits.pauseAbove; left -= piece.length, undrawn += piece.length)
      opened?.tell('terminal.data', { terminalId: 'term-1' as never, data: piece })
  }
  opened = await openTerminals([session], {
    'terminal.drawn': ({ characters }) => {
      undrawn -= characters
      more()
      return {}
    },
  })
  try {
    more()
    return await framesDuring(opened.page, 3_000, null)
  } finally {
    left = 0
    await opened.close()
  }
}

/** What the page's own heap holds after a collection, MB of 10⁶: five sessions, each with a terminal whose scrollback is full. */
async function heapOfSessions(): Promise<number> {
  const all = Array.from({ length: sessions }, (_, at) => ({
    ...session,
    requestId: `${session.requestId.slice(0, -1)}${'bcdfg'[at]}` as typeof session.requestId,
  }))
  const opened = await openTerminals(all)
  try {
    const { page } = opened
    const lines = Array.from({ length: scrollback }, (_, at) => `${at} ${'x'.repeat(80)}`).join('\r\n')
    for (let at = 1; at <= sessions; at += 1) opened.tell('terminal.data', { terminalId: `term-${at}` as never, data: `${lines}\r\nend-${at}` })
    await page.getByText(`end-${sessions}`).filter({ visible: true }).waitFor()
    await page.waitForTimeout(2_000)
    const inspector = await page.context().newCDPSession(page)
    await inspector.send('HeapProfiler.collectGarbage')
    const { usedSize } = await inspector.send('Runtime.getHeapUsage')
    await inspector.detach()
    return usedSize / 1e6
  } finally {
    await opened.close()
  }
}

async function openTerminals(all: (typeof session)[], script: Script = {}): Promise<TestWindow> {
  const opened = await openWindow(
    { 'session.list': () => ({ sessions: all }), 'local.list': () => localFiles, 'remote.list': () => remoteFiles, ...script },
    look,
  )
  await opened.page.getByRole('button', { name: 'Sessions' }).first().click()
  for (const tab of await opened.page.getByRole('tab').all()) {
    await tab.click()
    await opened.page.locator('.xterm-rows').filter({ visible: true }).waitFor()
  }
  return opened
}

/** Milliseconds between animation frames. With `scrolled`, that element moves a third of a screen with each: twenty screens a second. */
function framesDuring(page: Page, ms: number, scrolled: string | null): Promise<number[]> {
  return page.evaluate<number[]>(`new Promise((resolve, reject) => {
    const selector = ${JSON.stringify(scrolled)}
    const element = selector && document.querySelector(selector)
    if (selector && !(element && element.scrollHeight > 10 * element.clientHeight)) reject(new Error('there is nothing to scroll'))
    const frames = []
    const start = performance.now()
    let last = start
    let step = 1
    const next = (now) => {
      frames.push(now - last)
      last = now
      if (element) {
        if (element.scrollTop + element.clientHeight >= element.scrollHeight - 1) step = -1
        if (element.scrollTop === 0) step = 1
        element.scrollTop += (step * element.clientHeight) / 3
      }
      if (now - start < ${ms}) requestAnimationFrame(next)
      else resolve(frames.slice(1))
    }
    requestAnimationFrame(next)
  })`)
}
