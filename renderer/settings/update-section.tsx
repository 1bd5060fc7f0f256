import type { UpdateStatus } from '@gantry/shared/update-calls.ts'
import type { UpdateWords } from '@gantry/shared/words/window-update.en.ts'
import { knownFailure } from '../api.ts'
import { useWindowState } from '../state.ts'
import { Button } from '../ui/button.tsx'
import { FailureNote } from '../ui/failure-note.tsx'
import { useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'

/** Which version runs, what comes next, and what it waits for. */
export function UpdateSection() {
  const { words, format } = useSpeech()
  const { update } = useWindowState()
  const status = useStore(update.store)
  const text = words.update
  if (!status) return null
  const { installed, channel, unsupported, checkedMs, failure, previous, isRequired } = status
  return (
    <section aria-labelledby="updates-title">
      <h2 className="head about" id="updates-title">
        {text.title}
      </h2>
      {isRequired && (
        <p className="strong c-danger" role="alert">
          {text.required}
        </p>
      )}
      <p className="update-state" role="status">
        {unsupported ? text.unsupported[unsupported] : sentenceOf(status, text)}
      </p>
      {failure && <FailureNote failure={knownFailure(failure)} />}
      {status.state === 'downloading' && <Download status={status} />}
      {!unsupported && (
        <>
          <div className="set">
            <span className="t2">
              {[
                text.installed(installed),
                channel && text.channels[channel],
                checkedMs === null ? text.never : text.checked(format.timeInSentence(checkedMs)),
              ].join(', ')}
            </span>
            <span className="row-x">
              <Acts status={status} />
            </span>
          </div>
          {previous && (
            <dl className="about-list">
              <dt>{text.before}</dt>
              <dd>
                {text.goBack(previous.release)} <span className="mono selectable path-text">{previous.path}</span>
              </dd>
            </dl>
          )}
        </>
      )}
    </section>
  )
}

function sentenceOf({ state, release, outcome }: UpdateStatus, text: UpdateWords): string {
  if (state === 'idle') return outcome ? text.outcomes[outcome] : ''
  if (state === 'checking') return text.states.checking
  return text.states[state](release ?? '')
}

function Acts({ status: { state } }: { status: UpdateStatus }) {
  const { words } = useSpeech()
  const { update } = useWindowState()
  const text = words.update
  return (
    <>
      {state === 'offered' && (
        <Button look="primary" onClick={() => update.act('download')}>
          {text.download}
        </Button>
      )}
      {state === 'downloading' && <Button onClick={() => update.act('cancel')}>{text.cancel}</Button>}
      {state === 'ready' && (
        <Button look="primary" onClick={() => update.act('install')}>
          {text.restart}
        </Button>
      )}
      {state === 'waiting' && <Button onClick={() => update.act('postpone')}>{text.postpone}</Button>}
      {(state === 'idle' || state === 'checking' || state === 'offered') && (
        <Button onClick={() => update.act('check')} closedBecause={state === 'checking' ? text.states.checking : undefined}>
          {text.check}
        </Button>
      )}
    </>
  )
}

function Download({ status: { bytes, totalBytes } }: { status: UpdateStatus }) {
  const { words, format } = useSpeech()
  const share = totalBytes > 0 ? bytes / totalBytes : 0
  return (
    <div className="set">
      <span
        className="pb grow"
        role="progressbar"
        aria-label={words.update.progress}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.floor(share * 100)}
      >
        <i style={{ transform: `scaleX(${share})` }} />
      </span>
      <span className="num t2">{words.update.amount(...format.bytesOf(bytes, totalBytes))}</span>
    </div>
  )
}
