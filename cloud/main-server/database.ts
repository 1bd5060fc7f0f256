import { chmodSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { AppError } from '@gantry/shared/errors.ts'
import { Kysely, type SqliteDatabase, SqliteDialect, type SqliteStatement, type Transaction } from 'kysely'
import { Migrator } from 'kysely/migration'
import { migrations } from './migrations.ts'
import type { Tables } from './tables.ts'

export type Database = Kysely<Tables>
/** What a store's function takes when it may be part of a larger transaction. */
export type Queries = Kysely<Tables> | Transaction<Tables>

/**
 * SQLite in one file through Kysely. WAL with synchronous=FULL: a commit that was answered survives a kill -9 and a power cut.
 * One connection, so statements never interleave with another's transaction. Throws `state.unreadable {what}`.
 */
export async function openDatabase(path: string): Promise<Database> {
  try {
    const db = connect(path)
    const { error } = await migratorOf(db).migrateToLatest()
    if (error) throw error
    return db
  } catch (error) {
    throw new AppError('state.unreadable', { cause: error, details: { what: 'gantry.db' } })
  }
}

/** With whatever schema it has, which may be none. */
export function connect(path: string): Database {
  const database = new DatabaseSync(path, { timeout: 5_000 })
  chmodSync(path, 0o600)
  database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; pragma trusted_schema = off')
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database: adapt(database) }) })
}

export function migratorOf(db: Database): Migrator {
  return new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } })
}

/** node:sqlite in the shape that Kysely's SQLite dialect knows (it was written for better-sqlite3). */
function adapt(database: DatabaseSync): SqliteDatabase {
  return { close: () => database.close(), prepare: (sql) => adaptStatement(database, sql) }
}

function adaptStatement(database: DatabaseSync, sql: string): SqliteStatement {
  const statement = database.prepare(sql)
  const values = (parameters: readonly unknown[]) => parameters as SQLInputValue[]
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...values(parameters)),
    run: (parameters) => statement.run(...values(parameters)),
    iterate: (parameters) => statement.iterate(...values(parameters)),
  }
}

/** SQLITE_CONSTRAINT_UNIQUE and SQLITE_CONSTRAINT_PRIMARYKEY (sqlite.org/rescode.html). */
export function isDuplicate(error: unknown): boolean {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined
  return code === 2067 || code === 1555
}
