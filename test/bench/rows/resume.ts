import { until } from '../../e2e/support/sandbox.ts'
import { spread } from '../statistics.ts'
import { plainFigure, type Row, sayMs } from './row.ts'

/** Keys go on while the access server that carries the session is killed; the sandbox starts it again, and the session stands by there before the next one is killed. */
export const resume: Row = {
  name: 'resume',
  async run({ options, onDisk, say }) {
    const gantry = await onDisk()
    const client = await gantry.echoing()
    const seconds: number[] = []
    for (let kill = 0; kill < options.kills; kill += 1) {
      const { accessServer } = await until(
        'two access servers, one that carries and one that stands by',
        async () => {
          const view = await client.call('view', undefined)
          return view.network.state === 'carried' && view.network.standby ? view : null
        },
        60_000,
      )
      const pid = gantry.accessServer(accessServer.name)
      if (!pid) throw new Error(`${accessServer.name} carries and has no process`)
      seconds.push((await client.call('resume', { pid })) / 1_000)
      const { accessServer: after } = await client.call('view', undefined)
      if (after.name === accessServer.name) throw new Error('the session did not change its access server')
    }
    say(`${seconds.map(sayMs).join(', ')}`)
    const figure = plainFigure('resume', seconds, sayMs)
    return {
      figures: [figure, plainFigure('resume-max', [spread(seconds).max], (value) => `${sayMs(value)}, longest of ${options.kills}`)],
      samples: { seconds },
    }
  },
}
