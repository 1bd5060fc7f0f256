import type { Page } from 'playwright'

/** What a walk over a screen found; each list is empty where everybody can work by keyboard. */
export type Walk = {
  /** Controls that are seen and can be used, and that no key led to. */
  missed: string[]
  /** Controls that had the focus and looked as without it. */
  unmarked: string[]
  /** Where the walk stayed instead of coming round. */
  trap: string | null
  steps: number
}

/** More than any screen has, so that a walk that does not come round ends. */
const mostSteps = 260

/**
 * Tab through the page until it comes round. A terminal takes Tab for the device: it is left by F6, the key that the help names, which goes on to the next region. What
 * stands before the place in a region that F6 leads to is reached from there by Shift and Tab, as a person would. WCAG 2.2, 2.1.1, 2.1.2 and 2.4.7.
 */
export async function walkOver(page: Page): Promise<Walk> {
  await page.evaluate(inPage)
  const press = async (key: string): Promise<Step> => {
    await page.keyboard.press(key)
    return page.evaluate('window.walk.step()')
  }
  let steps = 0
  let trap: string | null = null
  const goOn = async (from: Step): Promise<Step> => {
    if (!from.isTerminal) return press('Tab')
    let step = await press('F6')
    if (step.id === from.id) trap = await nameOf(page, from)
    while (!step.isNew && step.id !== from.id) step = await press('F6')
    if (step.isNew) entered.push(step)
    return step.isNew ? step : around
  }
  const entered: Step[] = []
  for (let at = await press('Tab'); at.isNew || at.isTerminal; at = await goOn(at)) {
    if (++steps < mostSteps) continue
    trap = await nameOf(page, at)
    break
  }
  for (const { id } of entered) {
    await page.evaluate(`window.walk.focus(${id})`)
    for (let back = await press('Shift+Tab'); back.isNew; back = await press('Shift+Tab')) steps++
  }
  const found = (await page.evaluate('window.walk.end()')) as Pick<Walk, 'missed' | 'unmarked'>
  return { ...found, trap, steps }
}

/** Every region was met. */
const around: Step = { id: 0, isNew: false, isTerminal: false }
const nameOf = (page: Page, { id }: Step): Promise<string> => page.evaluate(`window.walk.nameOf(${id})`)

type Step = { id: number; isNew: boolean; isTerminal: boolean }

const inPage = `(() => {
  const composite = '[role=tablist], [role=grid], [role=menu], [role=listbox], [role=radiogroup], [role=toolbar]'
  const usable = 'button, a[href], input, select, textarea, summary, [tabindex]'
  const isSeen = (one) => {
    const box = one.getBoundingClientRect()
    return one.checkVisibility({ visibilityProperty: true, opacityProperty: false }) && box.width > 0 && box.height > 0
  }
  // A row of a grid, a tab of a list: its composite has the focus for it. What is for the pointer alone is hidden from screen readers, and stands on the screen a second time.
  const isOwn = (one) => one.tabIndex >= 0 || (!one.closest(composite) && one.matches('button, a[href], input, select, textarea'))
  const shut = document.querySelector('[aria-modal=true]')
  const all = [...(shut ?? document).querySelectorAll(usable)].filter((one) =>
    !one.disabled && isOwn(one) && isSeen(one) && !one.closest('[aria-hidden=true], [inert]') && !one.matches('[data-focus-guard], .xterm-scrollable-element *'))
  // The browser gives a group of radio buttons one stop.
  const groupOf = (one) => one.type === 'radio' && one.name ? document.querySelectorAll('input[type=radio][name="' + CSS.escape(one.name) + '"]') : [one]
  const look = (one, part) => { const style = getComputedStyle(one, part); return [style.outlineStyle === 'none' ? '' : style.outlineStyle + style.outlineWidth + style.outlineColor, style.boxShadow] }
  // The control, what holds it and no other control, and the row that a grid names as the one that keys act on.
  const showing = (one) => {
    const found = [one]
    const own = new Set(groupOf(one))
    for (let up = one.parentElement; up && up !== document.body; up = up.parentElement) {
      if ([...up.querySelectorAll(usable)].some((other) => other.tabIndex >= 0 && other !== up && !own.has(other) && isSeen(other))) break
      found.push(up)
    }
    const terminal = one.closest('.term')
    if (terminal) found.push(terminal, one.closest('.xterm'))
    const row = document.getElementById(one.getAttribute('aria-activedescendant') ?? '')
    if (row) found.push(row)
    return found
  }
  const marks = (one) => showing(one).map((each) => look(each))
  const before = document.activeElement
  before.blur()
  const ids = new Map()
  const idOf = (one) => { if (!ids.has(one)) ids.set(one, ids.size + 1); return ids.get(one) }
  const nameOf = (one) => one.tagName.toLowerCase() + '.' + String(one.className).split(' ').slice(0, 4).join('.') + ' "' + (one.getAttribute('aria-label') ?? one.textContent ?? '').trim().slice(0, 40) + '"'
  const plain = new Map(all.map((one) => [one, marks(one)]))
  // A browser goes on from the place where the focus was, also when that is gone. A dialog has the focus within itself.
  if (shut) before.focus()
  else {
    const top = document.createElement('i')
    top.tabIndex = -1
    document.body.prepend(top)
    top.focus()
    top.remove()
  }
  const met = new Set()
  const unmarked = []
  window.walk = {
    nameOf: (id) => nameOf([...ids].find(([, own]) => own === id)[0]),
    focus: (id) => [...ids].find(([, own]) => own === id)[0].focus(),
    step() {
      const one = document.activeElement
      if (!one || one === document.body) return { id: 0, isNew: false, isTerminal: false }
      const isNew = !met.has(one)
      if (isNew) {
        met.add(one)
        const without = plain.get(one)
        const isMarked = marks(one).some(([outline, shadow], at) => {
          const [was, cast] = without?.[at] ?? ['', 'none']
          return (outline !== '' && outline !== was) || (shadow !== 'none' && shadow !== cast)
        })
        if (!isMarked) unmarked.push(nameOf(one))
      }
      return { id: idOf(one), isNew, isTerminal: one.closest('.xterm') !== null }
    },
    end: () => ({
      missed: all.filter((one) => one.isConnected && ![...groupOf(one)].some((each) => met.has(each))).map(nameOf),
      unmarked,
    }),
  }
})()`
