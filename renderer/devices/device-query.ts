import type { DeviceRow } from '@gantry/shared/client-api.ts'
import type { DeviceId } from '@gantry/shared/ids.ts'

/** What the list is asked for. A saved view is its text form: `view:favourites model:"NV 310" stops:site words`. */
export const views = ['all', 'favourites', 'recent'] as const
export type View = (typeof views)[number]
export const filterNames = ['customer', 'site', 'model', 'stops'] as const
export type FilterName = (typeof filterNames)[number]
export const stopNames = ['through', 'gantry', 'site', 'device'] as const
export type StopName = (typeof stopNames)[number]
export type Query = { view: View; text: string; filters: Record<FilterName, readonly string[]> }

export const everything: Query = { view: 'all', text: '', filters: { customer: [], site: [], model: [], stops: [] } }

export function stopOf({ reach }: DeviceRow): StopName {
  return reach.stopsAt ?? 'through'
}

export function valueIn(device: DeviceRow, filter: FilterName): string {
  if (filter === 'stops') return stopOf(device)
  return filter === 'customer' ? device.customer.name : filter === 'site' ? device.site.name : device.model.name
}

export function hasFilters({ filters }: Query): boolean {
  return filterNames.some((name) => filters[name].length > 0)
}

type Known = { favourites: readonly DeviceId[]; recent: readonly DeviceId[] }

export function matching(devices: readonly DeviceRow[], query: Query, known: Known): DeviceRow[] {
  const inView = viewTest(query.view, known)
  const words = folded(query.text).split(/\s+/).filter(Boolean)
  const found = devices.filter(
    (device) =>
      inView(device) &&
      filterNames.every((name) => query.filters[name].length === 0 || query.filters[name].includes(valueIn(device, name))) &&
      words.every((word) => searchable(device).includes(word)),
  )
  if (query.view === 'recent') return found.sort((a, b) => known.recent.indexOf(a.id) - known.recent.indexOf(b.id))
  return found
}

function viewTest(view: View, { favourites, recent }: Known): (device: DeviceRow) => boolean {
  if (view === 'all') return () => true
  const ids = new Set(view === 'favourites' ? favourites : recent)
  return ({ id }) => ids.has(id)
}

const texts = new WeakMap<DeviceRow, string>()
/** Kept per row: 5,000 rows are searched at each key. */
function searchable(device: DeviceRow): string {
  const known = texts.get(device)
  if (known !== undefined) return known
  const { name, serial, model, site, customer, id, openRequest } = device
  const text = folded([name, serial, model.name, site.name, site.city, customer.name, id, openRequest?.specialist ?? ''].join('\n'))
  texts.set(device, text)
  return text
}

/** Without accents and case: `riviere` finds Rivière. */
export function folded(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase()
}

export type SortKey = 'device' | 'model' | 'stops' | 'software' | 'contact'
export type Sort = { key: SortKey; isDescending: boolean }

/** `stops` puts first what needs someone: sessions and waiting people, then what gets through, then what is broken, then what is closed by rule. */
const urgency: Record<DeviceRow['reach']['why'], number> = {
  'in-session': 0,
  waiting: 1,
  reachable: 2,
  'site-silent': 3,
  'two-places': 4,
  'clock-off': 5,
  silent: 6,
  'connectivity-off': 7,
  'entitlement-ended': 8,
  'no-level': 9,
  disabled: 10,
  'never-seen': 11,
}
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })

export function sorted(devices: readonly DeviceRow[], { key, isDescending }: Sort, favourites: readonly DeviceId[]): DeviceRow[] {
  const isFavourite = new Set(favourites)
  const compare: Record<SortKey, (a: DeviceRow, b: DeviceRow) => number> = {
    device: (a, b) => collator.compare(a.name, b.name),
    model: (a, b) => collator.compare(a.model.name, b.model.name) || collator.compare(a.serial, b.serial),
    stops: (a, b) => urgency[a.reach.why] - urgency[b.reach.why] || Number(isFavourite.has(b.id)) - Number(isFavourite.has(a.id)),
    software: (a, b) => collator.compare(a.softwareVersion ?? '', b.softwareVersion ?? ''),
    contact: (a, b) => (b.lastContactMs ?? 0) - (a.lastContactMs ?? 0),
  }
  const sign = isDescending ? -1 : 1
  return devices.toSorted((a, b) => sign * compare[key](a, b) || collator.compare(a.name, b.name) || collator.compare(a.site.name, b.site.name))
}

export function writeQuery({ view, text, filters }: Query): string {
  const quoted = (value: string) => (/[\s":]/.test(value) ? `"${value.replaceAll('"', '')}"` : value)
  const parts = filterNames.flatMap((name) => filters[name].map((value) => `${name}:${quoted(value)}`))
  return [view === 'all' ? '' : `view:${view}`, ...parts, text.trim()].filter(Boolean).join(' ')
}

export function readQuery(written: string): Query {
  const filters: Record<FilterName, string[]> = { customer: [], site: [], model: [], stops: [] }
  let view: View = 'all'
  const rest = written.replace(/(\w+):(?:"([^"]*)"|(\S+))/g, (whole, name: string, quoted?: string, plain?: string) => {
    const value = quoted ?? plain ?? ''
    const filter = filterNames.find((known) => known === name)
    const asView = name === 'view' ? views.find((known) => known === value) : undefined
    if (asView) view = asView
    else if (filter) filters[filter].push(value)
    else return whole
    return ''
  })
  return { view, filters, text: rest.trim().replace(/\s+/g, ' ') }
}
