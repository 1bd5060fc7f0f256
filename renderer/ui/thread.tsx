import type { Thread } from './thread-model.ts'

const step = 16
const first = 5
const middle = 7

/** The thread as a glyph of 58 px, in a row of the list. What it shows also stands in words beside it. */
export function ThreadGlyph({ thread }: { thread: Thread }) {
  const x = (node: number) => first + node * step
  return (
    <svg className={`thread ${thread.tone}`} viewBox="0 0 58 14" aria-hidden="true">
      {thread.hops.map((hop, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the places of the thread are fixed
        <line key={at} className={hop} x1={x(at)} x2={x(at + 1)} y1={middle} y2={middle} />
      ))}
      {thread.nodes.map((node, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the places of the thread are fixed
        <Mark key={at} node={node} x={x(at)} />
      ))}
      {thread.halo !== 'none' && <circle className={`halo ${thread.halo}`} cx={x(3)} cy={middle} r="5.5" />}
    </svg>
  )
}

function Mark({ node, x }: { node: Thread['nodes'][number]; x: number }) {
  if (node === 'dot') return <circle className="n" cx={x} cy={middle} r="3" />
  if (node === 'hollow') return <circle className="o" cx={x} cy={middle} r="2.75" />
  if (node === 'square') {
    return (
      <>
        <rect className="n" x={x - 4} y={middle - 4} width="8" height="8" rx="1" />
        <path className="bar" d={`M${x - 2} ${middle}h4`} />
      </>
    )
  }
  return (
    <>
      <circle className="gap" cx={x} cy={middle} r="5" />
      <path className="x" d={`M${x - 3} ${middle - 3}l6 6M${x + 3} ${middle - 3}l-6 6`} />
    </>
  )
}

export type Place = { name: string; detail?: string | undefined; tone?: 'switch' | undefined }

/** The thread with its four places named: in the side panel, over a live session, at its end. */
export function ThreadPath({ thread, places, look, label }: { thread: Thread; places: readonly Place[]; look: 'side' | 'head' | 'end'; label: string }) {
  return (
    <ol className={`path look-${look} ${thread.tone}`} aria-label={label}>
      {places.map((place, at) => (
        <li key={place.name} className={`at-${thread.nodes[at]} hop-${thread.hops[at] ?? 'none'} ${at === 3 ? `halo-${thread.halo}` : ''}`}>
          <i aria-hidden="true" />
          <b className={place.tone ? `c-${place.tone}` : undefined}>{place.name}</b>
          {place.detail !== undefined && <span className="place">{place.detail}</span>}
        </li>
      ))}
    </ol>
  )
}

/** The app's mark: a ring, and the line that comes out of it. */
export function Logo({ className = '' }: { className?: string }) {
  return (
    <svg className={`logo ${className}`} viewBox="0 0 24 24" aria-hidden="true">
      <path className="ring" d="M7.2 6.7A8 8 0 1 1 7.2 17.3" />
      <path className="line" d="M1 12h11" />
      <circle className="end" cx="13" cy="12" r="3" />
    </svg>
  )
}
