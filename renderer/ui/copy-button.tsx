import { Check, Copy } from 'lucide-react'
import { useEffect, useState } from 'react'
import { IconButton } from './button.tsx'
import { useSpeech } from './language.tsx'

const shownMs = 1_500

/** `text` may be found when it is asked for; null: there is none, and who looked has said why. */
type CopyButtonProps = { text: string | (() => Promise<string | null>); label?: string; small?: boolean }

export function CopyButton({ text, label, small = false }: CopyButtonProps) {
  const { words } = useSpeech()
  const [isCopied, setCopied] = useState(false)
  useEffect(() => {
    if (!isCopied) return
    const timer = setTimeout(() => setCopied(false), shownMs)
    return () => clearTimeout(timer)
  }, [isCopied])
  const copy = async () => {
    const found = typeof text === 'string' ? text : await text()
    if (found === null) return
    await navigator.clipboard.writeText(found)
    setCopied(true)
  }
  return <IconButton small={small} icon={isCopied ? Check : Copy} label={isCopied ? words.ui.copied : (label ?? words.ui.copy)} onClick={() => void copy()} />
}
