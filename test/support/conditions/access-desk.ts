import { sign } from 'node:crypto'
import { type AuthRequest, createAuthentication, type Verdict } from '../../../agent/session/authentication.ts'
import { keyType, sshBlob } from '../../../agent/session/ssh-keys.ts'
import { checkAdmission, checkOpening } from '../../../cloud/access-server/admit.ts'
import { createJoinedTickets } from '../../../cloud/access-server/joined-tickets.ts'
import { createPairing, type Seat } from '../../../cloud/access-server/pairing.ts'
import { generateSigningKey, newNonce, readUnverified, type SigningKey, signJws } from '../../../shared/node/signing.ts'
import { type CompactJws, type Side, TicketPayload } from '../../../shared/ticket.ts'
import { deviceSigner, people, type World } from '../access-world.ts'

export type WrongWay = 'key' | 'nonce' | 'server' | null
export type SshKey = 'session' | 'support' | 'stranger'
/** What the device's second level let in. `admitted`: both ends came rightly; `bothLevels`: both keys were shown, in their order. */
export type Opened = { requestId: string; admitted: boolean; bothLevels: boolean }

type Session = World['sessions'][number]
type Chair = Seat & { rightful: boolean }
type Joined = { session: Session; offered: SshKey[]; judge: (request: AuthRequest) => Verdict; admitted: boolean }
type AccessDeskWith = { sessionUnder: (ticketId: string) => Session | undefined; onJoined: (session: Session) => void }

const stranger = generateSigningKey()
const known: Record<SshKey, SigningKey> = { session: people.session, support: people.support, stranger }
const leg = 'control-1'

/** An access server's admission and pairing without its sockets, and behind it the device's second level, which is the first thing on a joined leg. */
export class AccessDesk {
  private readonly tools: AccessDeskWith
  private joinedTickets = createJoinedTickets()
  private pairing = this.openPairing()
  private joined: Joined | null = null
  private epoch = 0
  private nowSeconds = 0

  constructor(tools: AccessDeskWith) {
    this.tools = tools
  }

  /** A leg, from its opening to its place; `wrong` is what is wrong with it. */
  async admit({ ticket, side, wrong, nowMs }: { ticket: CompactJws; side: Side; wrong: WrongWay; nowMs: number }): Promise<void> {
    this.epoch += 1
    this.nowSeconds = Math.floor(nowMs / 1_000)
    const { epoch } = this
    const opening = { version: 1, ticket, side, leg, epoch, link: 1 } as const
    const name = wrong === 'server' ? 'access-9' : 'access-1'
    const context = { name, ticketKeys: () => [people.ticketKey.publicJwk], now: this.nowSeconds, joinedAt: this.joinedTickets.joinedAt }
    const nonce = newNonce()
    const said = { version: 1, ticketId: readUnverified(ticket, TicketPayload, 'ticket.bad').id, side, leg, epoch, accessServer: name }
    const own = side === 'client' ? people.session : deviceSigner
    const admission = await signJws('admission', { ...said, nonce: wrong === 'nonce' ? newNonce() : nonce }, wrong === 'key' ? stranger : own)
    const opened = await checkOpening(opening, context)
    await checkAdmission(admission, opened, { name, nonce })
    this.pairing.take({ ticketId: opened.ticket.id, side, leg, epoch, link: 1, rightful: wrong === null, close: () => undefined })
  }

  offer(keys: readonly SshKey[]): Opened | null {
    const { joined } = this
    if (!joined || joined.session.signal.aborted) return null
    for (const name of keys) {
      const { publicJwk, privateKey } = known[name]
      const blob = Buffer.from(newNonce())
      const key = { algo: keyType, data: sshBlob(publicJwk) }
      joined.offered.push(name)
      const verdict = joined.judge({ method: 'publickey', username: people.person.username, key, blob, signature: sign('sha256', blob, privateKey) })
      if (verdict !== 'accepted') continue
      const first = joined.offered.indexOf('session')
      const bothLevels = first !== -1 && joined.offered.indexOf('support', first) !== -1
      return { requestId: joined.session.requestId, admitted: joined.admitted, bothLevels }
    }
    return null
  }

  joinedFor(): string | undefined {
    return this.joined?.session.requestId
  }

  /** One end is gone, and with it the pair. */
  leave(): void {
    this.joined = null
    this.pairing.closeAll('leg.draining')
  }

  restart(): void {
    this.leave()
    this.joinedTickets = createJoinedTickets()
    this.pairing = this.openPairing()
  }

  private openPairing() {
    return createPairing<Chair>({
      ...{ pairTimeoutMs: 3_600_000, maxLegs: 100, maxLegsPerTicket: 8 },
      onMet: ({ client, agent }) => {
        const session = this.tools.sessionUnder(client.ticketId)
        if (!session) return
        const { certificate, ticket } = session.grant
        this.joinedTickets.note(ticket, this.nowSeconds)
        const judge = createAuthentication({ username: certificate.username, sessionKey: ticket.sessionKey, supportKey: certificate.supportKey })
        this.joined = { session, offered: [], judge, admitted: client.rightful && agent.rightful }
        this.tools.onJoined(session)
      },
    })
  }
}
