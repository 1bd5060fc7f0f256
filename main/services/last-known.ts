import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DeviceRow, Specialist } from '@gantry/shared/client-api.ts'
import { readJsonFileIfThere, writeJsonFile } from '@gantry/shared/node/json-file.ts'
import { z } from 'zod'

/** What the client last heard, for a start without a network. No secret; gone with the sign-out. */
const LastKnown = z.object({
  mainServer: z.string(),
  person: z.object({ specialist: Specialist, supportContacts: z.array(z.object({ region: z.string(), phone: z.string(), mail: z.string() })) }).nullable(),
  devices: z.object({ devices: z.array(DeviceRow), atMs: z.number() }).nullable(),
})
export type LastKnown = z.infer<typeof LastKnown>
export type LastKnownStore = { read(): LastKnown; change(part: Partial<LastKnown>): void; clear(): void }

export function createLastKnown(profileDir: string, mainServer: string): LastKnownStore {
  const path = join(profileDir, 'last-known.json')
  const empty: LastKnown = { mainServer, person: null, devices: null }
  let known = load(path)
  // Another main server's list is nobody's business here.
  if (known?.mainServer !== mainServer) known = empty
  return {
    read: () => known ?? empty,
    change(part) {
      known = { ...(known ?? empty), ...part }
      writeJsonFile(path, known)
    },
    clear() {
      known = empty
      rmSync(path, { force: true })
    },
  }
}

/** A file that does not fit is one of another version: nothing is lost by asking anew. */
function load(path: string): LastKnown | null {
  try {
    return readJsonFileIfThere(path, LastKnown)
  } catch {
    return null
  }
}
