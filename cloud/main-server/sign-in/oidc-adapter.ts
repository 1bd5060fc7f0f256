import { sha256 } from '@gantry/shared/node/signing.ts'
import type { Adapter, AdapterPayload } from 'oidc-provider'
import type { Database } from '../database.ts'

/** Models whose id is the token itself. Only its hash is stored: a copy of the database opens nothing. */
const secretIds = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken'])

/** What oidc-provider keeps, in one table. Each call is one statement, so each is whole after a crash. */
export function createOidcAdapter(db: Database): new (model: string) => Adapter {
  return class {
    readonly model: string
    constructor(model: string) {
      this.model = model
    }

    #key(id: string): string {
      return secretIds.has(this.model) ? sha256(id) : id
    }

    async upsert(id: string, { jti, ...payload }: AdapterPayload, expiresIn?: number): Promise<void> {
      const kept = secretIds.has(this.model) ? payload : { jti, ...payload }
      const row = {
        model: this.model,
        id: this.#key(id),
        payload_json: JSON.stringify(kept),
        grant_id: payload.grantId ?? null,
        uid: payload.uid ?? null,
        expires_ms: expiresIn ? Date.now() + expiresIn * 1000 : null,
      }
      await db
        .insertInto('oidc_records')
        .values({ ...row, consumed_s: null })
        .onConflict((conflict) => conflict.columns(['model', 'id']).doUpdateSet(row))
        .execute()
    }

    async find(id: string): Promise<AdapterPayload | undefined> {
      const row = await db
        .selectFrom('oidc_records')
        .select(['payload_json', 'consumed_s'])
        .where('model', '=', this.model)
        .where('id', '=', this.#key(id))
        .executeTakeFirst()
      return row && { ...(JSON.parse(row.payload_json) as AdapterPayload), jti: id, ...(row.consumed_s === null ? {} : { consumed: row.consumed_s }) }
    }

    async findByUid(uid: string): Promise<AdapterPayload | undefined> {
      const row = await db.selectFrom('oidc_records').select('payload_json').where('model', '=', this.model).where('uid', '=', uid).executeTakeFirst()
      return row && (JSON.parse(row.payload_json) as AdapterPayload)
    }

    /** Of the device flow, which is not offered. */
    async findByUserCode(): Promise<undefined> {
      return undefined
    }

    async consume(id: string): Promise<void> {
      const consumed_s = Math.floor(Date.now() / 1000)
      await db.updateTable('oidc_records').set({ consumed_s }).where('model', '=', this.model).where('id', '=', this.#key(id)).execute()
    }

    async destroy(id: string): Promise<void> {
      await db.deleteFrom('oidc_records').where('model', '=', this.model).where('id', '=', this.#key(id)).execute()
    }

    async revokeByGrantId(grantId: string): Promise<void> {
      await db.deleteFrom('oidc_records').where('model', '=', this.model).where('grant_id', '=', grantId).execute()
    }
  }
}
