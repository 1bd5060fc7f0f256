import { FuseV1Options, getCurrentFuseWire } from '@electron/fuses'

/**
 * Reads the fuses of a packaged program and ends with 1 unless each is as `electron-builder.yml` sets it: no Node from outside (`ELECTRON_RUN_AS_NODE`,
 * `NODE_OPTIONS`, `--inspect`), cookies encrypted, only the packed archive, and that unaltered. `node scripts/read-fuses.ts PROGRAM`.
 */
export const wantedFuses: Record<keyof typeof FuseV1Options, boolean> = {
  RunAsNode: false,
  EnableCookieEncryption: true,
  EnableNodeOptionsEnvironmentVariable: false,
  EnableNodeCliInspectArguments: false,
  EnableEmbeddedAsarIntegrityValidation: true,
  OnlyLoadAppFromAsar: true,
  LoadBrowserProcessSpecificV8Snapshot: false,
  GrantFileProtocolExtraPrivileges: false,
}
type FuseFound = { name: string; wanted: boolean; found: 'on' | 'off' | 'unknown' }

export async function readFuses(program: string): Promise<FuseFound[]> {
  const wire = (await getCurrentFuseWire(program)) as unknown as Record<string, number>
  const states: Record<number, 'on' | 'off'> = { 48: 'off', 49: 'on' }
  return Object.entries(wantedFuses).map(([name, wanted]) => {
    const state = wire[FuseV1Options[name as keyof typeof FuseV1Options]]
    return { name, wanted, found: states[state ?? 0] ?? 'unknown' }
  })
}

export const isAsWanted = ({ wanted, found }: FuseFound) => found === (wanted ? 'on' : 'off')

if (import.meta.main) {
  const fuses = await readFuses(process.argv[2] ?? '')
  for (const fuse of fuses) console.log(`${isAsWanted(fuse) ? 'as set ' : 'WRONG  '}${fuse.name}: ${fuse.found}`)
  process.exit(fuses.length > 0 && fuses.every(isAsWanted) ? 0 : 1)
}
