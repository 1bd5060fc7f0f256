import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { Config as AgentConfig } from '../agent/config.ts'
import { Config as PanelConfig } from '../agent/panel/config.ts'
import { Place } from '../cli/place.ts'
import { Configuration } from '../cli/ssh-config/configuration.ts'
import { Config as AccessServerConfig } from '../cloud/access-server/config.ts'
import { Config as MainServerConfig } from '../cloud/main-server/config.ts'
import { ListFile } from '../cloud/main-server/listed-servers.ts'
import { Seed } from '../cloud/main-server/seed.ts'
import { Config as BrowserHostConfig } from '../main/browser-host/config.ts'
import { DevelopmentConfig } from '../main/electron/config.ts'
import { ProxySetting } from '../main/services/main-server/proxy-setting.ts'
import { PolicyStatement } from '../shared/device-policy.ts'
import { Settings } from '../shared/ipc.ts'

// R055: no setting anywhere can hold a credential for the customer's network, for another computer in it, or for software that is not ours.

/** Every file and list that somebody can set something in, by what it is called. */
const schemas: Record<string, z.ZodType> = {
  'agent/config.ts Config': AgentConfig,
  'agent/panel/config.ts Config': PanelConfig,
  'shared/device-policy.ts Policy': PolicyStatement,
  'cloud/main-server/config.ts Config': MainServerConfig,
  'cloud/main-server/seed.ts Seed': Seed,
  'cloud/main-server/listed-servers.ts ListFile': ListFile,
  'cloud/access-server/config.ts Config': AccessServerConfig,
  'main/electron/config.ts Config': DevelopmentConfig,
  'main/browser-host/config.ts Config': BrowserHostConfig,
  'main/services/main-server/proxy-setting.ts ProxySetting': ProxySetting,
  'shared/ipc.ts Settings': Settings,
  'cli/place.ts Place': Place,
  'cli/ssh-config/configuration.ts Configuration': Configuration,
}
/** Of the same make, and walked as a part of those above or no place where anybody sets anything. */
const parts: Record<string, string> = {
  'agent/config.ts ProxySetting': 'in the agent’s config',
  'agent/supervisor/main.ts Config': 'one member of the agent’s config, which the supervisor reads too',
  'cloud/main-server/upstream-settings.ts UpstreamSettings': 'in the main server’s config',
  'cloud/main-server/notice-settings.ts MailSettings': 'in the main server’s config',
  'cloud/main-server/notice-settings.ts WebhookSettings': 'in the main server’s config',
  'shared/client-api.ts SignInPlace': 'what the window shows of the person’s own sign-ins',
  'shared/panel.ts PanelPolicy': 'what the panel shows of the device’s policy',
}

/** What sounds like a credential and is none for the customer's network. */
const exceptions: Record<string, Record<string, string>> = {
  'agent/config.ts Config': {
    'proxy.credentialsFile':
      'the one there is: for the proxy by which the device itself gets out. A path on the device, of a file that the agent’s user alone may read',
    user: 'whom the session’s shell runs as, on the device itself: no password goes with it',
    'licensedSoftware.key': 'public',
  },
  'agent/panel/config.ts Config': { user: 'the panel’s own user id on the device' },
  'cloud/main-server/config.ts Config': {
    'tls.key': 'path of the main server’s own key',
    authorityKey: 'public',
    'upstream.secretFile': 'path of what proves the main server to the vendor’s own identity provider',
    'upstream.secretIn': 'header or body',
    'upstream.keyFile': 'instead of that secret',
    'accessServers.key': 'null, or public',
    'notices.mail.user': 'the vendor’s own, at its mail server',
    'notices.mail.passwordFile': 'path of that user’s password',
  },
  'cloud/main-server/seed.ts Seed': {
    'customers.sites.devices.enrolmentSecret': 'once, of our own device at our own main server',
    'specialists.username': 'the specialist’s, at our own main server',
    'specialists.password': 'the specialist’s, at our own main server',
    'specialists.totpSecret': 'the specialist’s, at our own main server',
  },
  'cloud/main-server/listed-servers.ts ListFile': { 'accessServers.key': 'public' },
  'cloud/access-server/config.ts Config': {
    'tls.key': 'path of the access server’s own key',
    ticketKey: 'public',
    authorityKey: 'public',
    'register.key': 'path of the access server’s own key',
  },
  'main/electron/config.ts Config': { 'updates.key': 'public' },
  'shared/device-policy.ts Policy': { 'policy.approvers.credentialId': 'the name of an approver’s passkey', 'policy.approvers.publicKey': 'public' },
  'cli/ssh-config/configuration.ts Configuration': { username: 'the specialist’s own, as shown' },
}

const suspicious =
  /^(pass(word|phrase|code)?s?|secrets?|tokens?|credentials?|keys?|pins?|users?|usernames?|logins?|accounts?|totp|psk|ssid|wifi|cookies?|community|bearer|kerberos|ntlm|ldap|radius|vpn|smb)$/i

type Node = { [member: string]: unknown } | undefined
const wordsOf = (name: string) => name.split(/(?=[A-Z])|[^A-Za-z]/)

/** Paths of members whose name suggests a credential, or that take anything at all. */
function suspects(schema: z.ZodType): string[] {
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' })
  const found = new Set<string>()
  const walk = (node: Node, path: string[]): void => {
    if (!node) return
    if (Object.keys(node).every((member) => member === 'default' || member === 'description')) found.add(`${path.join('.')} (anything)`)
    for (const [name, member] of Object.entries((node.properties ?? {}) as Record<string, Node>)) {
      const here = [...path, name]
      if (wordsOf(name).some((word) => suspicious.test(word))) found.add(here.join('.'))
      walk(member, here)
    }
    for (const inner of [node.items, node.additionalProperties]) if (inner && typeof inner === 'object') walk(inner as Node, path)
    for (const some of [node.anyOf, node.oneOf, node.allOf, node.prefixItems]) for (const one of (some ?? []) as Node[]) walk(one, path)
  }
  walk(root as Node, [])
  return [...found].sort()
}

test.each(Object.keys(schemas))('%s: no member could be a credential for the customer’s network (R055)', (name) => {
  expect(suspects(schemas[name] as z.ZodType)).toEqual(Object.keys(exceptions[name] ?? {}).sort())
})

test('every schema of a config, a policy or a setting is walked (R055)', () => {
  const root = join(import.meta.dirname, '..')
  const files = globSync('{agent,authority,cli,cloud,main,preload,release,renderer,shared}/**/*.ts', {
    cwd: root,
    exclude: ['**/node_modules/**', '**/*.test.ts'],
  })
  const found = files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    return [...text.matchAll(/const (\w*(?:Config|Configuration|Settings?|Policy|Seed|Place|ListFile))\s*=\s*z\b/g)].map(([, name]) => `${file} ${name}`)
  })
  expect(found.sort()).toEqual([...Object.keys(schemas), ...Object.keys(parts)].sort())
})

test('a member that could be one is found, wherever it stands (R055)', () => {
  const schema = z.strictObject({
    wifiPassword: z.string().optional(),
    hosts: z.array(z.strictObject({ name: z.string(), sshKey: z.string() })).default([]),
    shares: z.record(z.string(), z.union([z.null(), z.strictObject({ smb: z.string() })])).prefault({}),
    more: z.unknown(),
    monkey: z.string(),
  })
  expect(suspects(schema)).toEqual(['hosts.sshKey', 'more (anything)', 'shares.smb', 'wifiPassword'])
})
