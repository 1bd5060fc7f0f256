import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

/** The catalogues of words, both languages (R121): nothing missing, nothing left in English, nothing that nobody shows. The types find a missing key, but not one of an open map. */
const root = join(import.meta.dirname, '..')
const folder = join(root, 'shared/words')
const names = readdirSync(folder).flatMap((file) => /^(.+)\.en\.ts$/.exec(file)?.[1] ?? [])

type Leaf = { path: string; text: string }

/** Every text of a catalogue with its path; of a function, what its source has between quotes. */
function leavesOf(value: unknown, path: string): Leaf[] {
  if (typeof value === 'string') return [{ path, text: value }]
  if (typeof value === 'function') return [{ path, text: [...String(value).matchAll(/'[^']*'|"[^"]*"|`[^`]*`/g)].join(' ').replace(/\$\{[^}]*\}/g, ' ') }]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, path ? `${path}.${key}` : key))
}

async function catalogue(name: string, language: 'en' | 'fr'): Promise<Leaf[]> {
  const module = (await import(join(folder, `${name}.${language}.ts`))) as Record<string, unknown>
  return Object.values(module).flatMap((value) => (typeof value === 'object' ? leavesOf(value, '') : []))
}

/** Two words of prose that both languages would have to share are one too many; commands and settings in quotes are no prose. */
const sharedWords = /^(min|minutes?|action|agent|site|session|service)$/i

function isProse({ text }: Leaf): boolean {
  if (/ --|^gantry|^`"/.test(text)) return false
  return (text.match(/\p{L}{2,}/gu) ?? []).filter((word) => !sharedWords.test(word)).length > 1
}

describe.for(names)('%s', (name) => {
  test('French has every key that English has, and no other', async () => {
    const [en, fr] = await Promise.all([catalogue(name, 'en'), catalogue(name, 'fr')])
    expect(fr.map(({ path }) => path).sort()).toEqual(en.map(({ path }) => path).sort())
    expect(en.length).toBeGreaterThan(0)
  })

  test('no sentence is left in English', async () => {
    const [en, fr] = await Promise.all([catalogue(name, 'en'), catalogue(name, 'fr')])
    const english = new Map(en.map(({ path, text }) => [path, text]))
    const same = fr.filter((leaf) => english.get(leaf.path) === leaf.text && isProse(leaf))
    expect(same.map(({ path, text }) => `${path}: ${text}`)).toEqual([])
  })

  test('every text is named somewhere outside the catalogues', async () => {
    const source = sources()
    // `${state}Text` names all keys that end so.
    const endings = [...source.matchAll(/\$\{[^}]*\}([A-Z]\w*)`/g)].map(([, ending]) => ending ?? '')
    const isNamed = (key: string) =>
      endings.some((ending) => key.endsWith(ending)) || new RegExp(`\\.${key}\\b|['"\`]${key}['"\`]|[{,\\[]\\s*${key}\\s*[,:}\\]=]`).test(source)
    const unused = (await catalogue(name, 'en')).filter(({ path }) => !path.split('.').some((key) => isOpen(key)) && !isNamed(path.split('.').at(-1) ?? ''))
    expect(unused.map(({ path }) => path)).toEqual([])
  })
})

/** A key that is a code or a number is looked up by what came from elsewhere. */
function isOpen(key: string): boolean {
  return !/^[a-zA-Z][a-zA-Z0-9]*$/.test(key)
}

let read: string | null = null

/** All that could name a text: the code outside the catalogues, without its tests. */
function sources(): string {
  read ??= ['agent', 'authority', 'cli', 'cloud', 'main', 'preload', 'release', 'renderer', 'sandbox', 'scripts', 'shared']
    .flatMap((part) => readdirSync(join(root, part), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && /\.(tsx?|mjs)$/.test(entry.name) && !/\.test\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('node_modules') && !path.startsWith(folder))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n')
  return read
}
