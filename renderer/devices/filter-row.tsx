// biome-ignore-all lint/a11y/useSemanticElements: a fieldset has a look and a layout of its own
import type { DeviceRow } from '@gantry/shared/client-api.ts'
import { Menu, UnstyledButton } from '@mantine/core'
import { Check, ChevronDown, X } from 'lucide-react'
import { useMemo } from 'react'
import { useSpeech } from '../ui/language.tsx'
import { type FilterName, filterNames, type Query, type StopName, stopNames, valueIn } from './device-query.ts'

type FilterRowProps = { devices: readonly DeviceRow[]; found: readonly DeviceRow[]; query: Query; onQuery: (query: Query) => void }

export function FilterRow({ devices, found, query, onQuery }: FilterRowProps) {
  const { words, format } = useSpeech()
  const reached = useMemo(() => found.filter(({ reach }) => reach.stopsAt === null).length, [found])
  return (
    <div className="filters" role="group" aria-label={words.devices.filters.label}>
      {filterNames.map((name) => (
        <Filter key={name} name={name} devices={devices} query={query} onQuery={onQuery} />
      ))}
      <span className="grow" />
      <span className="small t3 num cut count" role="status">
        {devices.length > 0 && words.devices.count(format.number(found.length), format.number(reached))}
      </span>
    </div>
  )
}

function Filter({ name, devices, query, onQuery }: Omit<FilterRowProps, 'found'> & { name: FilterName }) {
  const { words } = useSpeech()
  const values = useMemo(
    () => (name === 'stops' ? [...stopNames] : [...new Set(devices.map((device) => valueIn(device, name)))].sort((a, b) => a.localeCompare(b))),
    [devices, name],
  )
  const chosen = query.filters[name]
  const set = (next: readonly string[]) => onQuery({ ...query, filters: { ...query.filters, [name]: next } })
  const label = words.devices.filters[name]
  const shown = (value: string) => (name === 'stops' ? words.devices.stops[value as StopName] : value)
  return (
    <span className={`filter ${name}`}>
      <Menu closeOnItemClick={false} position="bottom-start">
        <Menu.Target>
          <UnstyledButton className={`chip ${chosen.length > 0 ? 'on' : ''}`}>
            {chosen.length > 0 ? (
              <>
                <b>{label}</b> {words.devices.chosen(chosen.length, values.length)}
              </>
            ) : (
              label
            )}
            <ChevronDown className="i s" aria-hidden />
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown mah={360} className="menu scrolls">
          {values.map((value) => {
            const isOn = chosen.includes(value)
            return (
              <Menu.CheckboxItem
                key={value}
                checked={isOn}
                checkIcon={<Check className="i s" aria-hidden />}
                onChange={() => set(isOn ? chosen.filter((one) => one !== value) : [...chosen, value])}
              >
                {shown(value)}
              </Menu.CheckboxItem>
            )
          })}
          {chosen.length > 0 && (
            <>
              <Menu.Divider />
              <Menu.Item leftSection={<X className="i s" aria-hidden />} onClick={() => set([])}>
                {words.devices.clearFilter(label)}
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
    </span>
  )
}
