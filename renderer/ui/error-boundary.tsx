import { Component, type ReactNode } from 'react'
import { Button } from './button.tsx'
import { FailureNote } from './failure-note.tsx'
import { useSpeech } from './language.tsx'

/** A defect of the window itself leaves a sentence and a way on, not an empty page. Sessions live in the main process and go on. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { hasFailed: boolean }> {
  override state = { hasFailed: false }

  static getDerivedStateFromError(): { hasFailed: boolean } {
    return { hasFailed: true }
  }

  override render(): ReactNode {
    return this.state.hasFailed ? <Broken /> : this.props.children
  }
}

function Broken() {
  const { words } = useSpeech()
  return (
    <main className="empty broken-window">
      <h1 className="sr">{words.ui.appName}</h1>
      <FailureNote failure={{ code: 'internal' }}>
        <Button onClick={() => location.reload()}>{words.ui.tryAgain}</Button>
      </FailureNote>
    </main>
  )
}
