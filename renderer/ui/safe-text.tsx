import { nameParts } from './safe-name.ts'

/** A name that the device or the disk made, with what cannot be seen written out and marked. */
export function SafeName({ name, className = '' }: { name: string; className?: string }) {
  return (
    <bdi className={className} title={undefined}>
      {nameParts(name).map(({ text, isEscape }, at) =>
        isEscape ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one name never move
          <span key={at} className="escape">
            {text}
          </span>
        ) : (
          text
        ),
      )}
    </bdi>
  )
}
