import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { walkSignIn } from '../../../cli/sign-in-walk/walk.ts'
import { createKeychain } from '../../../main/keychain.ts'
import { createServices } from '../../../main/services/create-services.ts'
import { sealWithPin } from '../../../main/services/keys/pin.ts'
import { codeOf } from '../proof.ts'
import { type KeyedSaid, type KeyedTask, secretsKept, type Work } from './keyed-task.ts'

/** The desktop client's services with a real keychain, which do one thing, say how far they are, and then stay until they are killed. */
const tell = (said: KeyedSaid) => process.stdout.write(`${JSON.stringify(said)}\n`)
const [line] = (await once(createInterface(process.stdin), 'line')) as [string]
const { profile, mainServer, ca, credentials, pin, device, act } = JSON.parse(line) as KeyedTask
const store = createKeychain()
const step = (name: string) => tell({ step: name })

async function keep(secrets: Partial<Record<(typeof secretsKept)[number], string>>): Promise<void> {
  for (const name of secretsKept) {
    const value = secrets[name]
    if (value !== undefined) await store.set(name, name === 'support-key' ? await sealWithPin(value, pin) : value)
  }
  // Whoever is killed while a PIN is tried has used up a try.
  await store.delete('pin-tries')
}

async function run(): Promise<void> {
  if (act.kind === 'keep') return keep(act.secrets)
  if (act.kind === 'tell') {
    await store.delete('pin-tries')
    const secrets: Partial<Record<(typeof secretsKept)[number], string>> = {}
    for (const name of secretsKept) {
      const value = await store.get(name)
      if (value !== null) secrets[name] = value
    }
    return void tell({ secrets })
  }
  const services = await createServices({
    profileDir: profile,
    mainServer,
    ca: readFileSync(ca, 'utf8'),
    secretStore: store,
    openBrowser(url) {
      step('browser')
      return walkSignIn(url, { credentials, ca: readFileSync(ca, 'utf8'), onWait: () => step('waits for the next code') })
    },
    party: 'desktop',
    about: { version: 'prove', host: 'browser', hostReason: null, sandbox: false },
  })
  services.on('request.changed', ({ code }) => code && tell({ code }))
  step('started')
  if (act.kind === 'sign-in') await services.signIn.start()
  if (act.kind === 'make-keys') await services.keys.create(pin)
  if (act.kind === 'ask') await ask(services, act)
}

async function ask(services: Awaited<ReturnType<typeof createServices>>, { access, work }: { access: 'files' | 'os'; work: Work }): Promise<void> {
  const { id } = await services.devices.find(device)
  step('asks')
  const asked = await services.requests.ask({ deviceId: id, access, serviceKind: 'support', reason: 'Proof', caseId: 'proof', minutes: 5 }, { pin })
  step('asked')
  const session = await asked.session
  step('open')
  if (work.kind === 'type') {
    const terminal = await session.openTerminal({ columns: 120, rows: 40 })
    terminal.onData((data) => terminal.drawn(data.length))
    setInterval(() => terminal.write(`: ${work.text}\n`), 50)
  }
  if (work.kind === 'transfer')
    await services.transfers.start({ requestId: session.requestId, direction: 'get', from: [work.from], to: work.to, replace: true })
}

await run().then(
  () => step('done'),
  (error: unknown) => tell({ failure: codeOf(error) }),
)
setInterval(() => undefined, 60_000)
