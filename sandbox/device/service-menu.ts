import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type MenuWords, menuEn, menuFr } from './menu-words.ts'
import { readServiceState } from './service-state.ts'

/**
 * The sample device's service menu: single keys on a terminal, English and French. It starts no program and opens no file but its own state and log,
 * so there is no way from here to a shell. Ctrl-C, Ctrl-D and Ctrl-Z are keys like others: they leave the menu.
 */
const { values } = parseArgs({
  options: { state: { type: 'string' }, language: { type: 'string', default: 'en' }, model: { type: 'string', default: 'device' } },
})
const folder = values.state ?? '.'
let words: MenuWords = values.language === 'fr' ? menuFr : menuEn

const leaveKeys = new Set(['0', 'q', '\u0003', '\u0004', '\u001a'])
const actions: Record<string, () => void | Promise<void>> = { '1': showStatus, '2': runSelfTest, '3': showErrors, '4': showCalibration, '5': changeLanguage }

print(words.title(values.model), words.notice)
showMenu()
if (process.stdin.isTTY) process.stdin.setRawMode(true)
process.stdin.setEncoding('utf8')
for await (const chunk of process.stdin) {
  for (const key of String(chunk)) await press(key)
}

async function press(key: string): Promise<void> {
  if (leaveKeys.has(key.toLowerCase())) return leave()
  if (key === '\r' || key === '\n') return
  const action = actions[key]
  print(/^[\x20-\x7e]$/.test(key) ? key : '')
  if (action) await action()
  else print(words.unknown)
  showMenu()
}

function leave(): never {
  print('', words.bye)
  process.exit(0)
}

function showMenu(): void {
  const { status, test, errors, calibration, language, quit } = words.options
  print('', ...[status, test, errors, calibration, language].map((option, index) => `  ${index + 1}  ${option}`), `  0  ${quit}`, '')
  process.stdout.write(words.choose)
}

function showStatus(): void {
  const known = readServiceState(join(folder, 'service.json'))
  const state = known ? words.state[known.state] : words.state.unknown
  print(...words.status(state, known?.since ?? '-', known?.restarts ?? 0, known?.version ?? '-'))
}

async function runSelfTest(): Promise<void> {
  for (const name of words.tests) {
    process.stdout.write(words.testing(name))
    await sleep(150)
    print(words.passed)
  }
}

/** Warnings and errors only: the lines about examinations are information, and hold patient data. */
function showErrors(): void {
  const lines = readLog().filter((line) => / (WARN|ERROR) /.test(line))
  print(...(lines.length > 0 ? lines.slice(-10) : [words.noErrors]))
}

function readLog(): string[] {
  try {
    return readFileSync(join(folder, 'service.log'), 'utf8').split('\n')
  } catch {
    return []
  }
}

function showCalibration(): void {
  const width = Math.max(...words.calibration.map(([name = '']) => name.length))
  print(...words.calibration.map(([name = '', ...values]) => `${name.padEnd(width)}  ${values.join('   ')}`))
}

function changeLanguage(): void {
  words = words === menuEn ? menuFr : menuEn
  print(words.title(values.model))
}

function print(...lines: string[]): void {
  process.stdout.write(lines.map((line) => `${line}\r\n`).join(''))
}
