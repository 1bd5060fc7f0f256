import { Check, Copy } from 'lucide-react'
import { useEffect, useState } from 'react'
import { IconButton } from './button.tsx'
import { useSpeech } from './language.tsx'

const shownMs = 1_500

export function CopyButton({ text, label }: { text: string; label?: string }) {
  const { words } = useSpeech()
  const [isCopied, setCopied] = useState(false)
  useEffect(() => {
    if (!isCopied) return
    const timer = setTimeout(() => setCopied(false), shownMs)
    return () => clearTimeout(timer)
  }, [isCopied])
  const copy = () => void navigator.clipboard.writeText(text).then(() => setCopied(true))
  return <IconButton icon={isCopied ? Check : Copy} label={isCopied ? words.ui.copied : (label ?? words.ui.copy)} onClick={copy} />
}
