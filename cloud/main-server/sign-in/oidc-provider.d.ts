/**
 * The part of oidc-provider 9 that is used here; the package ships no types. Names and meanings: its docs/README.md.
 */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  export type AdapterPayload = { jti?: string; grantId?: string; uid?: string; consumed?: number; [name: string]: unknown }
  export type Adapter = {
    upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void>
    find(id: string): Promise<AdapterPayload | undefined>
    findByUid(uid: string): Promise<AdapterPayload | undefined>
    findByUserCode(code: string): Promise<AdapterPayload | undefined>
    consume(id: string): Promise<void>
    destroy(id: string): Promise<void>
    revokeByGrantId(grantId: string): Promise<void>
  }

  export type TokenEntity = { accountId: string; authTime?: number; remainingTTL: number; scopes: Set<string> }
  export type OidcContext = {
    type: string
    body: string
    status: number
    req: IncomingMessage
    set(name: string, value: string): void
    oidc: {
      route: string
      entities: { AuthorizationCode?: TokenEntity; RefreshToken?: TokenEntity; RotatedRefreshToken?: TokenEntity; AccessToken?: TokenEntity }
    }
  }
  export type AccessToken = {
    accountId: string
    grantId: string
    aud: string | string[]
    scopes: Set<string>
    isExpired: boolean
    /** Thumbprint of the key that it is bound to. */
    jkt?: string
    extra?: Record<string, unknown>
  }
  export type Grant = { addOIDCScope(scope: string): void; addResourceScope(resource: string, scope: string): void; save(): Promise<string> }
  /** `result`: both factors were shown, and the browser was sent to `returnTo`. */
  export type Interaction = { uid: string; params: Record<string, unknown>; prompt: { name: string }; result?: object; returnTo: string }

  export class Provider {
    constructor(issuer: string, configuration: Record<string, unknown>)
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>
    on(event: 'grant.revoked', listener: (context: OidcContext, grantId: string) => void): this
    on(event: 'server_error', listener: (context: OidcContext, error: Error) => void): this
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>
    interactionResult(
      request: IncomingMessage,
      response: ServerResponse,
      result: Record<string, unknown>,
      options: { mergeWithLastSubmission: boolean },
    ): Promise<string>
    AccessToken: { find(value: string): Promise<AccessToken | undefined> }
    Grant: { new (input: { accountId: string; clientId: string }): Grant; find(id: string): Promise<{ accountId: string } | undefined> }
  }
}
