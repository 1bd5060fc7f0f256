import { useEffect, useState } from 'react'

/** The time, told again at each whole `everyMs` milliseconds: two countdowns to the same moment show the same. */
export function useNow(everyMs = 1_000): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const untilNext = () => everyMs - (Date.now() % everyMs)
    let timer = setTimeout(function tick() {
      const whole = Date.now()
      setNow(whole - (whole % everyMs))
      timer = setTimeout(tick, untilNext())
    }, untilNext())
    return () => clearTimeout(timer)
  }, [everyMs])
  return now
}

/** True once `isWaiting` has lasted `ms`: nothing is shown for a wait that is over at once. */
export function useLasting(isWaiting: boolean, ms = 150): boolean {
  const [isLasting, setLasting] = useState(false)
  useEffect(() => {
    if (!isWaiting) return setLasting(false)
    const timer = setTimeout(() => setLasting(true), ms)
    return () => clearTimeout(timer)
  }, [isWaiting, ms])
  return isWaiting && isLasting
}
