import { EventEmitter } from 'node:events'
import type { ProxyConfig, Session, session as Sessions, WebContents } from 'electron'
import { createFindProxy } from '../../main/pac/find-proxy.ts'
import type { Target } from './cdp.ts'
import { toWire } from './schemes.ts'
import { type Members, notImplemented, onlyKnown, strict, strictEmitter } from './strict.ts'

/** Chromium's names of what a page may be granted, by Electron's. */
const permissions = {
  'clipboard-read': 'clipboard-read',
  'clipboard-sanitized-write': 'clipboard-write',
  'display-capture': 'display-capture',
  geolocation: 'geolocation',
  'idle-detection': 'idle-detection',
  'local-fonts': 'local-fonts',
  media: 'camera',
  midi: 'midi',
  notifications: 'notifications',
  'screen-wake-lock': 'screen-wake-lock',
  'storage-access': 'storage-access',
  'window-management': 'window-management',
} as const
type Permission = keyof typeof permissions
type RequestHandler = NonNullable<Parameters<Session['setPermissionRequestHandler']>[0]>
type CheckHandler = NonNullable<Parameters<Session['setPermissionCheckHandler']>[0]>

/** Chromium asks nobody over its debugging protocol: so the app's handlers are asked for each permission before a page is loaded, and their answers are set. */
type Deciding = { request: RequestHandler | null; check: CheckHandler | null; hasDevices: boolean }
export type OwnSession = ReturnType<typeof createSession>

function createSession() {
  const handlers: Deciding = { request: null, check: null, hasDevices: false }
  let proxy: ProxyConfig = { mode: 'system' }
  const findByPac = createFindProxy()
  const members = strictEmitter('session', { emits: ['will-download'] }, {
    setPermissionRequestHandler(handler: RequestHandler | null) {
      handlers.request = handler
    },
    setPermissionCheckHandler(handler: CheckHandler | null) {
      handlers.check = handler
    },
    /** There are no devices here that could be asked about; the handler is only known to be there. */
    setDevicePermissionHandler(handler: unknown) {
      handlers.hasDevices = handler !== null
    },
    async setProxy(config: ProxyConfig) {
      onlyKnown('session.setProxy', config, ['mode', 'pacScript'])
      proxy = config
    },
    async resolveProxy(address: string) {
      const { hostname: host, port } = new URL(address)
      if (proxy.mode === 'pac_script' && proxy.pacScript) return findByPac(proxy.pacScript, { host, port: Number(port || 443) })
      if (proxy.mode === 'system' && !Object.keys(process.env).some((name) => /^(https?|all)_proxy$/i.test(name))) return 'DIRECT'
      return notImplemented(`session.resolveProxy for ${proxy.mode ?? 'no mode'} with a proxy in the environment`)
    },
  } satisfies Members<Session>)
  return { members, grant: (contents: WebContents, browser: Target, address: string) => grant(handlers, contents, browser, address) }
}

async function grant({ request, check }: Deciding, contents: WebContents, browser: Target, address: string): Promise<void> {
  const origin = new URL(toWire(address)).origin
  for (const permission of Object.keys(permissions) as Permission[]) {
    const isRequested = await new Promise<boolean>((decide) => {
      if (!request) return decide(true)
      request(contents, permission, decide, { requestingUrl: address, isMainFrame: true })
    })
    const isChecked = check ? check(contents, permission, `${new URL('/', address).href}`, { requestingUrl: address, isMainFrame: true }) : true
    const setting = isRequested && isChecked ? 'granted' : 'denied'
    await browser.send('Browser.setPermission', { origin, permission: { name: permissions[permission] }, setting })
  }
}

const partitions = new Map<string, OwnSession>()
export const defaultSession = createSession()
export const session = strict('session', {
  defaultSession: defaultSession.members as unknown as Session,
  fromPartition(partition: string) {
    const one = partitions.get(partition) ?? createSession()
    partitions.set(partition, one)
    return one.members as unknown as Session
  },
} satisfies Partial<Omit<typeof Sessions, keyof EventEmitter>>)
