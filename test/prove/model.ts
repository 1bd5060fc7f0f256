import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { type Proof, row } from './proof.ts'

export const model: Proof = {
  name: 'model',
  title: 'The link over a wire that drops, cuts, delays, splits and joins',
  covers: ['D1', 'R015', 'R054'],
  method:
    'The model test of the link (shared/node/link.test.ts, fast-check) with many more histories than in `npm test`: never a byte lost, doubled or reordered, never more memory than the window.',
  async run({ quick }) {
    const histories = quick ? 1_000 : 10_000
    const root = join(import.meta.dirname, '../..')
    const { status, stdout } = spawnSync(
      process.execPath,
      [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'unit', '--testTimeout', '280000', 'shared/node/link.test.ts'],
      {
        ...{ cwd: root, encoding: 'utf8', env: { ...process.env, GANTRY_HISTORIES: String(histories), NO_COLOR: '1' } },
      },
    )
    const tests = /Tests\s+(.*)$/m.exec(stdout)?.[1] ?? 'no answer'
    return [row(`${histories} histories`, 'all hold', status === 0 ? `all hold (tests: ${tests})` : stdout.slice(-600), status === 0)]
  },
}
