import { EventEmitter } from 'node:events'
import type { BrowserWindowConstructorOptions, IpcMainInvokeEvent, WebContents, WindowOpenHandlerResponse } from 'electron'
import { app } from './app.ts'
import type { Target } from './cdp.ts'
import { chromium } from './chromium.ts'
import { createDrags } from './drags.ts'
import { createFrames, type Frames } from './frames.ts'
import { invoke } from './ipc-main.ts'
import { decode, encode } from './page/codec.ts'
import type { FromPage } from './page/messages.ts'
import { openPageLink, type PageLink, type Reply } from './page-link.ts'
import { pageScripts } from './page-scripts.ts'
import { type Navigation, openRequests } from './requests.ts'
import { fromWire, toWire } from './schemes.ts'
import { defaultSession } from './session.ts'
import { cancellable, type Members, notImplemented, strictEmitter } from './strict.ts'

/** A page, on a target of Chromium's. `members` is what the app sees. */
export type Contents = ReturnType<typeof createContents>
const all = new Map<number, Contents>()
let lastId = 0

const events = {
  emits: [
    ...['did-start-loading', 'did-finish-load', 'did-navigate', 'dom-ready', 'render-process-gone', 'destroyed', 'preload-error', 'devtools-opened'],
    ...['will-navigate', 'will-frame-navigate', 'will-redirect', 'input-event'],
  ],
  // No webview is let in, and there is no device to choose from.
  never: ['will-attach-webview', 'select-bluetooth-device'],
}

export function createContents(options: BrowserWindowConstructorOptions) {
  const id = ++lastId
  const preferences = options.webPreferences ?? {}
  const inner = new EventEmitter()
  const expected = new Set<string>()
  let page: { targetId: string; target: Target; frames: Frames; link: PageLink } | null = null
  let isGone = false
  let hasDevTools = false
  let openHandler: Parameters<WebContents['setWindowOpenHandler']>[0] = () => ({ action: 'allow' })
  const empty = createFrames('')
  const frames = () => page?.frames ?? empty
  const drags = createDrags(() => page?.link.post(page.frames.mainId, { kind: 'dragged' }))

  const members = strictEmitter('webContents', events, {
    id,
    get mainFrame() {
      return frames().main
    },
    getURL: () => frames().main.url,
    isDestroyed: () => isGone,
    send(channel: string, ...inputs: unknown[]) {
      page?.link.post(page.frames.mainId, { kind: 'event', channel, inputs: encode(inputs) })
    },
    setWindowOpenHandler(handler: typeof openHandler) {
      openHandler = handler
    },
    loadURL: (url: string) => load(url),
    reload() {
      expected.add(frames().main.url)
      void page?.target.send('Page.reload')
    },
    close: () => void inner.emit('close'),
    openDevTools() {
      if (preferences.devTools === false || hasDevTools) return
      hasDevTools = true
      members.emit('devtools-opened')
    },
    isDevToolsOpened: () => hasDevTools,
    startDrag: drags.start,
    forcefullyCrashRenderer: () => void page?.target.send('Page.crash').catch(() => undefined),
  } satisfies Members<WebContents>)
  const asElectron = members as unknown as WebContents

  const opened = open().catch((error: unknown) => {
    console.error('electron stand-in: the page did not open:', error)
    process.exit(71)
  })

  async function open(): Promise<void> {
    const browser = chromium()
    const { targetId } = await browser.send('Target.createTarget', {
      url: 'about:blank',
      newWindow: true,
      width: options.width ?? 800,
      height: options.height ?? 600,
    })
    const { sessionId } = await browser.send('Target.attachToTarget', { targetId, flatten: true })
    const target = browser.session(sessionId)
    browser.on('Target.targetDestroyed', (gone) => gone.targetId === targetId && end())
    browser.on(
      'Target.targetCreated',
      ({ targetInfo }) => targetInfo.openerId === targetId && notImplemented('a window that was opened past setWindowOpenHandler'),
    )
    browser.on('Browser.downloadWillBegin', ({ frameId, guid, url }) => frames().get(frameId) && download(guid, url))
    await browser.send('Browser.setDownloadBehavior', { behavior: 'deny', eventsEnabled: true })
    const tree = await target.send('Page.getFrameTree')
    const own = createFrames(tree.frameTree.frame.id)
    watchPage(target, own)
    await target.send('Page.enable')
    const link = await openPageLink(target, pageScripts(preferences), (message, frameId, reply) => take(message, frameId, reply))
    await openRequests(target, mayNavigate)
    page = { targetId, target, frames: own, link }
  }

  function watchPage(target: Target, own: Frames): void {
    target.on('Page.frameAttached', ({ frameId, parentFrameId }) => own.attached(frameId, parentFrameId))
    target.on('Page.frameDetached', ({ frameId }) => own.detached(frameId))
    target.on('Page.frameNavigated', ({ frame }) => {
      own.navigated(frame.id, frame.url)
      if (frame.id === own.mainId) members.emit('did-navigate', {}, fromWire(frame.url), 200, 'OK')
    })
    target.on('Page.frameStartedLoading', ({ frameId }) => frameId === own.mainId && members.emit('did-start-loading'))
    target.on('Page.domContentEventFired', () => members.emit('dom-ready', {}))
    target.on('Page.loadEventFired', () => {
      if (own.main.url === 'about:blank') return
      members.emit('did-finish-load')
      inner.emit('shown')
    })
    target.on('Inspector.targetCrashed', () => members.emit('render-process-gone', {}, { reason: 'crashed', exitCode: 1 }))
  }

  /** What the app itself loads is not asked about; all else is, as a navigation, and once more if it came by a redirect. */
  function mayNavigate({ url, frameId, isRedirect }: Navigation): boolean {
    if (expected.delete(url)) return true
    const frame = frames().get(frameId)
    const isMainFrame = frameId === frames().mainId
    const names = isRedirect ? ['will-redirect'] : isMainFrame ? ['will-frame-navigate', 'will-navigate'] : ['will-frame-navigate']
    return names.every((name) => {
      const event = cancellable({ url, isMainFrame, isSameDocument: false, frame, initiator: frame })
      members.emit(name, event)
      return !event.defaultPrevented
    })
  }

  function take(message: FromPage, frameId: string, reply: Reply): void {
    if (message.kind === 'missing') notImplemented(message.what)
    if (message.kind === 'button') return void (drags.button(message.type) && members.emit('input-event', {}, { type: message.type, modifiers: [] }))
    if (message.kind === 'preload-failed') return void members.emit('preload-error', {}, preferences.preload, new Error(message.error))
    if (message.kind === 'open') {
      const asked = {
        url: fromWire(message.url),
        frameName: message.name,
        features: message.features,
        disposition: 'foreground-tab',
        referrer: { url: '', policy: 'default' },
      }
      const answer: WindowOpenHandlerResponse = openHandler(asked as Parameters<typeof openHandler>[0])
      if (answer.action !== 'deny') notImplemented('a window that a page opens')
    }
    if (message.kind !== 'invoke') return
    const frame = frames().get(frameId)
    const event = { ...cancellable({}), sender: asElectron, senderFrame: frame, frameId: frame?.frameTreeNodeId ?? 0, processId: 1, type: 'frame' }
    invoke(message.channel, event as unknown as IpcMainInvokeEvent, decode(message.inputs) as unknown[]).then(
      (value) => reply({ kind: 'result', id: message.id, ok: true, value: encode(value) }),
      (error: unknown) => reply({ kind: 'result', id: message.id, ok: false, value: encode(String(error)) }),
    )
  }

  function download(guid: string, url: string): void {
    const event = cancellable({})
    defaultSession.members.emit('will-download', event, { getURL: () => fromWire(url) }, members)
    if (!event.defaultPrevented) notImplemented(`a download (${url})`)
    void chromium()
      .send('Browser.cancelDownload', { guid })
      .catch(() => undefined)
  }

  async function load(url: string): Promise<void> {
    await opened
    if (!page) return
    await defaultSession.grant(asElectron, chromium(), url)
    expected.add(url)
    const { promise: isShown, resolve } = Promise.withResolvers<void>()
    inner.once('shown', resolve)
    const { errorText } = await page.target.send('Page.navigate', { url: toWire(url) })
    if (errorText) throw Object.assign(new Error(`${errorText} (-2) loading '${url}'`), { code: errorText, url })
    await isShown
  }

  function end(): void {
    if (isGone) return
    isGone = true
    all.delete(id)
    members.emit('destroyed')
    inner.emit('gone')
  }

  const contents = {
    ...{ members, asElectron, load },
    on: (event: 'shown' | 'gone' | 'close', listener: () => void) => void inner.on(event, listener),
    targetId: () => page?.targetId,
    async close() {
      await opened
      if (page) await chromium().send('Target.closeTarget', { targetId: page.targetId })
    },
  }
  all.set(id, contents)
  app.emit('web-contents-created', {}, asElectron)
  return contents
}

export const webContents = {
  getAllWebContents: () => [...all.values()].map(({ asElectron }) => asElectron),
  fromId: (id: number) => all.get(id)?.asElectron,
  fromDevToolsTargetId: (targetId: string) => [...all.values()].find((one) => one.targetId() === targetId)?.asElectron,
} satisfies Partial<typeof Electron.WebContents>
