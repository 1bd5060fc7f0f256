import { Tooltip, UnstyledButton } from '@mantine/core'
import type { LucideIcon } from 'lucide-react'
import type { ReactNode, Ref } from 'react'
import { useKeyLabel } from './key-label.ts'

type Look = 'default' | 'primary' | 'end' | 'quiet'
type ButtonProps = {
  children: ReactNode
  onClick?: () => void
  look?: Look
  size?: 'md' | 'lg'
  icon?: LucideIcon
  /** The key that does the same, shown in the button. */
  keys?: ReactNode
  /** Why it cannot be pressed now; it stays in reach of the keyboard, so that the reason can be read. */
  closedBecause?: string | undefined
  grow?: boolean
  type?: 'button' | 'submit'
  /** Of the form that it submits, where it stands outside it. */
  form?: string
  ref?: Ref<HTMLButtonElement>
  autoFocus?: boolean
}

export function Button({
  children,
  onClick,
  look = 'default',
  size = 'md',
  icon: Icon,
  keys,
  closedBecause,
  grow = false,
  type = 'button',
  form,
  ref,
  autoFocus,
}: ButtonProps) {
  const keyLabel = useKeyLabel()
  const button = (
    <UnstyledButton
      ref={ref ?? null}
      type={type}
      form={form}
      className={`btn ${look} ${size} ${grow ? 'grow' : ''}`}
      aria-disabled={closedBecause !== undefined || undefined}
      onClick={closedBecause === undefined ? onClick : (event) => event.preventDefault()}
      data-autofocus={autoFocus || undefined}
    >
      {Icon && <Icon className="i" aria-hidden />}
      {children}
      {keys !== undefined && closedBecause === undefined && <kbd aria-hidden>{typeof keys === 'string' ? keyLabel(keys) : keys}</kbd>}
    </UnstyledButton>
  )
  // Always the same elements: one that becomes closed is not made anew, or it would lose the focus.
  return (
    <Tooltip label={closedBecause} disabled={closedBecause === undefined} multiline maw={320}>
      {button}
    </Tooltip>
  )
}

type IconButtonProps = {
  icon: LucideIcon
  label: string
  onClick?: () => void
  keys?: string
  look?: 'quiet' | 'gold'
  isPressed?: boolean
  small?: boolean
  tabIndex?: number
  ref?: Ref<HTMLButtonElement>
}

/** A tool: the tooltip names the action and its key. */
export function IconButton({ icon: Icon, label, onClick, keys, look = 'quiet', isPressed, small = false, ref, ...others }: IconButtonProps) {
  const keyLabel = useKeyLabel()
  return (
    <Tooltip label={keys ? `${label} (${keyLabel(keys)})` : label}>
      <UnstyledButton
        {...others}
        ref={ref ?? null}
        className={`btn quiet icon ${small ? 'small-icon' : ''} ${look === 'gold' ? 'gold' : ''}`}
        aria-label={label}
        aria-pressed={isPressed}
        onClick={onClick}
      >
        <Icon className="i" aria-hidden />
      </UnstyledButton>
    </Tooltip>
  )
}
