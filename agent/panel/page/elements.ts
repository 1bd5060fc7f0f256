/** Elements are made here and nowhere else, and text enters them as text: there is no way from a string to markup on this page. */
type Child = Node | string | null
export type Attributes = { class?: string; label?: string; title?: string; id?: string; live?: 'polite' | 'assertive'; role?: string; scrolls?: boolean }

export function element<T extends keyof HTMLElementTagNameMap>(tag: T, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[T] {
  const made = document.createElement(tag)
  if (attributes.class) made.className = attributes.class
  if (attributes.id) made.id = attributes.id
  if (attributes.label) made.setAttribute('aria-label', attributes.label)
  if (attributes.live) made.setAttribute('aria-live', attributes.live)
  if (attributes.role) made.setAttribute('role', attributes.role)
  if (attributes.title) made.title = attributes.title
  // What scrolls is in reach of a keyboard (WCAG 2.1.1).
  if (attributes.scrolls) made.tabIndex = 0
  made.append(...children.filter((child) => child !== null))
  return made
}

export function button(attributes: Attributes, onPress: () => void, ...children: Child[]): HTMLButtonElement {
  const made = element('button', attributes, ...children)
  made.type = 'button'
  made.addEventListener('click', onPress)
  return made
}

const svg = 'http://www.w3.org/2000/svg'

/** Shapes of lucide (ISC licence), by their path data. */
const icons = {
  'arrow-down': ['M12 5v14', 'm19 12-7 7-7-7'],
  'arrow-up': ['m5 12 7-7 7 7', 'M12 19V5'],
  'badge-check': [
    'M3.85 8.62a4 4 0 0 1 4.78-4.77 4 4 0 0 1 6.74 0 4 4 0 0 1 4.78 4.78 4 4 0 0 1 0 6.74 4 4 0 0 1-4.77 4.78 4 4 0 0 1-6.75 0 4 4 0 0 1-4.78-4.77 4 4 0 0 1 0-6.76Z',
    'm16 9-5.5 5.5L8 12',
  ],
  check: ['M20 6 9 17l-5-5'],
  x: ['M18 6 6 18', 'm6 6 12 12'],
  'circle-stop': ['M12 2a10 10 0 1 0 0 20 10 10 0 1 0 0-20', 'M10 9h4a1 1 0 0 1 1 1v4a1 1 0 0 1-1 1h-4a1 1 0 0 1-1-1v-4a1 1 0 0 1 1-1'],
  delete: ['M10 5a2 2 0 0 0-1.344.519l-6.328 5.74a1 1 0 0 0 0 1.481l6.328 5.741A2 2 0 0 0 10 19h10a2 2 0 0 0 2-2V7a2 2 0 0 0-2-2z', 'm12 9 6 6', 'm18 9-6 6'],
  wrench: [
    'M14.7 6.3a1 1 0 0 0 0 1.4l1.6 1.6a1 1 0 0 0 1.4 0l3.106-3.105c.32-.322.863-.22.983.218a6 6 0 0 1-8.259 7.057l-7.91 7.91a1 1 0 0 1-2.999-3l7.91-7.91a6 6 0 0 1 7.057-8.259c.438.12.54.662.219.984z',
  ],
  'circle-alert': ['M12 2a10 10 0 1 0 0 20 10 10 0 1 0 0-20', 'M12 8v4', 'M12 16h.01'],
} as const
export type IconName = keyof typeof icons

export function icon(name: IconName): SVGSVGElement {
  const drawing = shape('svg', { viewBox: '0 0 24 24', class: 'i', 'aria-hidden': 'true' })
  for (const d of icons[name]) drawing.append(shape('path', { d }))
  return drawing as SVGSVGElement
}

/** The mark: the thread that reaches the device. */
export function mark(): SVGElement {
  const drawing = shape('svg', { viewBox: '0 0 24 24', class: 'mark', 'aria-hidden': 'true' })
  drawing.append(
    shape('path', { d: 'M7.2 6.7A8 8 0 1 1 7.2 17.3', class: 'mark-device' }),
    shape('path', { d: 'M1 12h11', class: 'mark-thread' }),
    shape('circle', { cx: '13', cy: '12', r: '3', class: 'mark-end' }),
  )
  return drawing
}

function shape(tag: string, attributes: Record<string, string>): SVGElement {
  const made = document.createElementNS(svg, tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  return made
}
