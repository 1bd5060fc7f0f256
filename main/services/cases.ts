import type { CaseKey, CaseView } from '@gantry/shared/case-api.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { MainServer } from './main-server/main-server.ts'
import type { Cases } from './services.ts'

/** Which cases somebody has, and what may be done with them, is the main server's to say; here one is found by what a person types. */
export function createCases({ call }: Pick<MainServer, 'call'>): Cases {
  const list = async () => (await call('case.list', {})).cases
  return {
    list,
    async find(number, customer) {
      const found = findCase(await list(), number, customer)
      if (found.length === 1 && found[0]) return found[0]
      if (found.length === 0) throw new AppError('case.unknown')
      throw new AppError('case.ambiguous', { details: { customers: found.map((one) => one.customer).join(', ') } })
    },
    colleagues: async (key) => (await call('case.colleagues', keyOf(key))).colleagues,
    escalate: (key, { to, reason }) => call('case.escalate', { ...keyOf(key), to, reason }),
    close: (key, resolution) => call('case.close', { ...keyOf(key), resolution }),
  }
}

/** A customer by id or name, upper and lower case alike; without one, every case of that number. */
export function findCase(cases: readonly CaseView[], number: string, customer?: string): CaseView[] {
  const named = customer?.toLocaleLowerCase()
  return cases.filter((one) => one.number === number && (named === undefined || one.customerId === customer || one.customer.toLocaleLowerCase() === named))
}

function keyOf({ customerId, number }: CaseKey): CaseKey {
  return { customerId, number }
}
