import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { connect, migratorOf, openDatabase } from './database.ts'
import { migrations } from './migrations.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'migrations-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('a database from before the acknowledged plan keeps its people, none of whom has acknowledged it until the directory is taken over again (R088)', async () => {
  const path = join(folder, 'gantry.db')
  const old = connect(path)
  expect((await migratorOf(old).migrateTo('0014-licences')).error).toBeUndefined()
  for (const statement of [
    `insert into meta values ('seed-hash', 'taken')`,
    `insert into profiles values ('all', 'All', '[]')`,
    `insert into customers (id, name) values ('cus', 'Riverside')`,
    `insert into specialists (id, username, name, employer, country, city, tier, profile_id, password, totp_secret, screened_on)
      values ('spc', 'elena', 'Elena', 'Norvane', 'CA', 'Laval', 2, 'all', '', '', '2020-01-01')`,
  ])
    await sql.raw(statement).execute(old)
  await old.destroy()

  const db = await openDatabase(path)
  expect(await db.selectFrom('specialists').select(['name', 'screened_on', 'plan_acknowledged_on']).execute()).toEqual([
    { name: 'Elena', screened_on: '2020-01-01', plan_acknowledged_on: null },
  ])
  expect(await db.selectFrom('customers').select(['name', 'posture_json']).execute()).toEqual([{ name: 'Riverside', posture_json: null }])
  expect(await db.selectFrom('meta').selectAll().where('name', '=', 'seed-hash').execute()).toEqual([])
  await db.destroy()
})

test('migrations are numbered in order, each once', () => {
  const names = Object.keys(migrations)
  expect(names).toEqual([...names].sort())
  expect(names.map((name) => Number(name.slice(0, 4)))).toEqual(names.map((_, place) => place + 1))
})
