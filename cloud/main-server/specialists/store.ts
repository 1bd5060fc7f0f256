import type { Specialist } from '@gantry/shared/client-api.ts'
import type { SpecialistId } from '@gantry/shared/ids.ts'
import type { Database } from '../database.ts'

export async function findSpecialist(db: Database, id: SpecialistId): Promise<Specialist | null> {
  const columns = ['id', 'username', 'name', 'employer', 'country', 'city', 'tier'] as const
  const row = await db.selectFrom('specialists').select(columns).where('id', '=', id).executeTakeFirst()
  return row ?? null
}

export async function supportContacts(db: Database) {
  return db.selectFrom('support_contacts').selectAll().orderBy('region').execute()
}
