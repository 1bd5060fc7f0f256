import { actions } from '@gantry/shared/actions.ts'
import { BadgeCheck, RotateCcw } from 'lucide-react'
import type { ReactNode } from 'react'
import { Button } from '../../ui/button.tsx'
import { CopyButton } from '../../ui/copy-button.tsx'
import { FailureNote } from '../../ui/failure-note.tsx'
import { useSpeech } from '../../ui/language.tsx'
import { safeName } from '../../ui/safe-name.ts'
import type { ActionsControl, Diagnostics } from './use-actions.ts'

/** What the device answered. Its texts are its own and are shown with what cannot be seen written out. */
export function ActionAnswer({ control }: { control: ActionsControl }) {
  const { words, format, language } = useSpeech()
  const text = words.session.actions
  const { run } = control
  if (run.kind === 'idle') return <p className="t3 answer-none">{text.empty}</p>
  if (run.kind === 'running') return <p className="t2 answer-none">{`${actions[run.action].title[language]}: ${text.running}`}</p>
  if (run.kind === 'failed') {
    return (
      <div className="answer">
        <FailureNote failure={run.failure} />
      </div>
    )
  }
  if (run.answer.action === 'service.restart') {
    return (
      <p className="answer row-x">
        <BadgeCheck className="i c-live" aria-hidden />
        {`${actions['service.restart'].title[language]}: ${text.doneIn(format.took(run.answer.output.downMs))}`}
      </p>
    )
  }
  return <Report report={run.answer.output} onAgain={() => control.start('diagnostics.collect', {})} />
}

function Report({ report, onAgain }: { report: Diagnostics; onAgain: () => void }) {
  const { words, format } = useSpeech()
  const { report: text, again } = words.session.actions
  const { memory, service } = report
  const state = [
    text.states[service.state],
    service.since && text.since(format.timeInSentence(Date.parse(service.since))),
    service.restarts > 0 && text.restarts(service.restarts),
  ]
  return (
    <article className="answer report selectable">
      <div className="row-x answer-head">
        <h2>{text.title}</h2>
        <span className="t3 small grow">{text.at(format.clock(Date.parse(report.collectedAt)))}</span>
        <CopyButton text={JSON.stringify(report, null, 2)} label={text.copy} />
        <Button icon={RotateCcw} onClick={onAgain}>
          {again}
        </Button>
      </div>
      <dl>
        <Fact name={text.service}>
          <span className={service.state === 'running' ? 'c-live' : 'c-wait'}>{state.filter(Boolean).join(', ')}</span>
        </Fact>
        <Fact name={text.uptime}>{format.age(report.uptimeSeconds * 1_000)}</Fact>
        <Fact name={text.memory}>
          <Meter free={memory.freeBytes} total={memory.totalBytes} />
        </Fact>
        {report.disk.map((disk) => (
          <Fact key={disk.path} name={text.disk} detail={safeName(disk.path)}>
            <Meter free={disk.freeBytes} total={disk.totalBytes} />
          </Fact>
        ))}
        {Object.entries(report.versions).map(([name, version]) => (
          <Fact key={name} name={safeName(name)}>
            <span className="mono">{safeName(version)}</span>
          </Fact>
        ))}
      </dl>
      <h3 className="head">
        {text.log}
        {report.linesWithheld > 0 && <span className="c-wait">{` · ${text.withheld(report.linesWithheld)}`}</span>}
      </h3>
      <pre className="log mono">{report.log.length > 0 ? report.log.map(safeName).join('\n') : text.noLog}</pre>
    </article>
  )
}

function Fact({ name, detail, children }: { name: string; detail?: string; children: ReactNode }) {
  return (
    <div>
      <dt>
        {name} {detail && <span className="mono small">{detail}</span>}
      </dt>
      <dd className="num">{children}</dd>
    </div>
  )
}

const lowShare = 0.1

function Meter({ free, total }: { free: number; total: number }) {
  const { words, format } = useSpeech()
  const share = total > 0 ? 1 - free / total : 0
  return (
    <span className={`meter row-x ${1 - share < lowShare ? 'c-wait' : ''}`}>
      <span className="pb" aria-hidden>
        <i style={{ transform: `scaleX(${share})` }} />
      </span>
      {words.session.actions.report.freeOf(format.bytes(free), format.bytes(total))}
    </span>
  )
}
