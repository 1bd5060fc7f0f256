import { AppError } from '@gantry/shared/errors.ts'
import type { CheckHop, Trouble } from '@gantry/shared/passport.ts'

/** Which hop an error of the dialler stands for, and what it means for whoever looks after the network. */
export function troubleOf(error: unknown, { host, port, hop }: { host: string; port: number; hop: CheckHop }): { hop: CheckHop; trouble: Trouble } {
  const details = error instanceof AppError ? (error.details ?? {}) : {}
  const reason = String(details.reason ?? reasonOf(error)).slice(0, 120)
  const about = { host, port, reason }
  if (!(error instanceof AppError)) return { hop, trouble: { code: atHop[hop], details: about } }
  const proxy = String(details.proxy ?? '')
  if (error.code === 'server.proxy-refused') {
    const code = reason === 'forbidden' ? 'proxy-forbids' : reason === 'failed' ? 'proxy-fails' : 'proxy-credentials'
    return { hop: 'proxy', trouble: { code, details: { ...about, proxy, status: details.status ?? 0 } } }
  }
  if (error.code === 'server.identity-wrong') {
    const issuer = String(details.issuer ?? 'unknown')
    if (proxy) return { hop: 'proxy', trouble: { code: 'proxy-certificate', details: { ...about, proxy, issuer } } }
    const code = /EXPIRED|NOT_YET_VALID/.test(reason) ? 'certificate-date' : /ALTNAME/.test(reason) ? 'wrong-certificate' : 'intercepted'
    return { hop: 'tls', trouble: { code, details: { ...about, issuer } } }
  }
  const at = isHop(details.hop) ? details.hop : hop
  return { hop: at, trouble: { code: atHop[at], details: { ...about, ...(proxy ? { proxy } : {}) } } }
}

const atHop: Record<CheckHop, Trouble['code']> = {
  dns: 'name-unknown',
  proxy: 'proxy-unreachable',
  tcp: 'no-connection',
  tls: 'tls-cut',
  answer: 'no-answer',
  upgrade: 'no-upgrade',
}

function reasonOf(error: unknown): string {
  if (error instanceof AppError) return error.code
  return error instanceof Error && error.name === 'TimeoutError' ? 'timeout' : 'failed'
}

function isHop(hop: unknown): hop is CheckHop {
  return typeof hop === 'string' && Object.hasOwn(atHop, hop)
}
