import type { Session, session } from 'electron'
import type { FindProxy } from '../services/main-server/proxy-routes.ts'

/** Chromium knows the computer's own settings, and runs PAC files in a sandboxed process of its own. The PAC session loads nothing. */
export function createSystemProxy(sessions: Pick<typeof session, 'defaultSession' | 'fromPartition'>): FindProxy {
  let pac: { url: string; ready: Promise<Session> } | null = null
  return {
    system: (target) => sessions.defaultSession.resolveProxy(addressOf(target)),
    async pac(url, target) {
      if (pac?.url !== url) pac = { url, ready: openPacSession(sessions.fromPartition('proxy'), url) }
      return (await pac.ready).resolveProxy(addressOf(target))
    },
  }
}

async function openPacSession(own: Session, pacScript: string): Promise<Session> {
  await own.setProxy({ mode: 'pac_script', pacScript })
  return own
}

/** Host and port, never a path: a PAC file is not told what anybody does there. */
function addressOf({ host, port }: { host: string; port: number }): string {
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}/`
}
