import type { CompareRow } from '@gantry/shared/compare-calls.ts'

export type Direction = 'put' | 'get'
export type GroupName = 'copy' | 'replace' | 'remove' | 'refused'
/** Rows by their place in the comparison. */
export type Plan = Record<GroupName, number[]> & { same: number }

/** What a direction would do with each row. Nothing is deleted unless `removes`, and folders never are. */
export function planOf(rows: readonly CompareRow[], direction: Direction, removes: boolean): Plan {
  const plan: Plan = { copy: [], replace: [], remove: [], refused: [], same: 0 }
  const [source, target] = direction === 'put' ? ['only-here', 'only-there'] : ['only-there', 'only-here']
  rows.forEach(({ state, kind, isRenamed }, at) => {
    if (state === 'same') plan.same++
    else if (state === 'refused' || (direction === 'put' && isRenamed && state === 'differs')) plan.refused.push(at)
    else if (state === source) plan.copy.push(at)
    else if (state === 'differs') plan.replace.push(at)
    else if (state === target && kind === 'file' && removes) plan.remove.push(at)
  })
  return plan
}
