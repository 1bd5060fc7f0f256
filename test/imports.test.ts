import { describe, expect, test } from 'vitest'
import { codeFiles, covers, findCycle, type Import, importsOf, reachable } from './support/import-graph.ts'

type Row = { files: string; may: string[]; because: string }

/** Who may import whom, beside themselves (architecture 5). The first row that fits a file counts; `!` denies. Adding a package is a reviewed line. */
const shared = ['shared/', '!shared/node/']
const sharedNode = ['shared/', 'node:', 'zod']
const rows: Row[] = [
  { files: 'shared/node/', may: [...sharedNode, 'jose', '@peculiar/x509', 'reflect-metadata'], because: 'the Node-only corner; the folder says so' },
  { files: 'shared/', may: [...shared, 'zod'], because: 'it runs in every process, so it knows none' },
  { files: 'preload/', may: [...shared, 'electron'], because: 'a bridge, no logic' },
  {
    files: 'renderer/',
    may: [...shared, 'preload/api.ts', 'react', 'react-dom', '@mantine/', '@xterm/', '@tanstack/react-virtual', '@fontsource-variable/', 'lucide-react', 'zod'],
    because: 'the window sees only window.api',
  },
  {
    files: 'main/services/',
    may: [...sharedNode, 'ssh2', 'openid-client', 'electron-log/node'],
    because: 'runs in Electron, browser host and command line alike',
  },
  {
    files: 'main/electron/',
    may: [...sharedNode, 'main/', '!main/browser-host/', '!main/pac/', 'preload/api.ts', 'electron', 'electron-log', 'electron-updater'],
    because: 'the only shell that knows Electron',
  },
  {
    files: 'main/browser-host/',
    may: [...sharedNode, 'main/services/', 'main/pac/', 'ws'],
    because: 'development only, so it has no keychain and is never packaged',
  },
  { files: 'main/pac/', may: ['shared/', 'node:', 'quickjs-wasi'], because: 'a PAC file is code from the network: it runs in a sandbox of its own' },
  { files: 'main/keychain.ts', may: [...shared, 'main/services/', 'keytar'], because: 'the only file that knows where secrets live' },
  {
    files: 'cli/',
    may: [...sharedNode, 'main/services/', 'main/keychain.ts', 'main/pac/', 'commander'],
    because: 'no window',
  },
  {
    files: 'agent/panel/page/',
    may: [...shared, 'renderer/ui/', '@xterm/', '@fontsource-variable/', 'zod'],
    because: 'drawn by a browser, beside the panel process',
  },
  {
    files: 'agent/',
    may: [...sharedNode, '!agent/panel/page/', 'ssh2', '@lydell/node-pty'],
    because: 'ships alone onto devices',
  },
  {
    files: 'authority/',
    may: [
      ...[...shared, 'zod', 'commander', 'node:fs', 'node:path', 'node:crypto'],
      ...[
        'audit-log',
        'audit-verify',
        'certification',
        'file-lock',
        'json-file',
        'passphrase-box',
        'report-failure',
        'authority-keys',
        'sealed-to',
        'secret-line',
        'server-keys',
        'signing',
        'ticket',
      ].map((name) => `shared/node/${name}.ts`),
    ],
    because: 'offline: no network, and no other program',
  },
  {
    files: 'release/',
    may: [
      ...[...shared, 'zod', 'commander', 'node:fs', 'node:path', 'node:crypto'],
      ...['json-file', 'key-file', 'report-failure', 'secret-line', 'signing'].map((name) => `shared/node/${name}.ts`),
    ],
    because: 'offline, as the authority: it holds the key that says what a client may become',
  },
  {
    files: 'cloud/main-server/',
    may: [...sharedNode, 'fastify', '@fastify/send', 'oidc-provider', 'openid-client', '@simplewebauthn/server', 'otplib', 'kysely', 'nodemailer', 'pino'],
    because: 'deployed alone; it can propose a session and never speaks SSH',
  },
  {
    files: 'cloud/access-server/',
    may: [
      ...[...shared, 'zod', 'node:', '!node:sqlite', '!node:child_process', 'pino'],
      ...[
        'tls',
        'signing',
        'audit-log',
        'ticket',
        'lines',
        'json-file',
        'process',
        'read-memory',
        'read-until',
        'server-keys',
        'authority-keys',
        'tls-files',
      ].map((name) => `shared/node/${name}.ts`),
      // Its beats to the main server: what it can say there is the contract `shared/access-api.ts`, and no key of its own opens anything.
      ...['dial', 'api-client', 'revoked-certificates'].map((name) => `shared/node/${name}.ts`),
    ],
    because: 'a relay keeps nothing and can read nothing',
  },
  { files: 'sandbox/', may: [...sharedNode, 'ws'], because: 'it starts processes and must not become a part' },
  { files: 'scripts/', may: [...sharedNode, '@electron/asar', '@electron/fuses', 'vite'], because: 'it serves whoever builds, and no part needs it' },
  {
    files: 'test/',
    may: ['shared/', 'main/', 'cli/', 'preload/', 'renderer/', 'agent/', 'authority/', 'release/', 'cloud/', 'sandbox/', 'scripts/', 'node:', '*'],
    because: 'tests see everything',
  },
]

const files = codeFiles()
const imports = files.flatMap((file) => importsOf(file))
const isTest = (file: string) => /\.test\.tsx?$/.test(file) || file.startsWith('test/')
const shipped = imports.filter(({ file }) => !isTest(file))

function rowOf(file: string): Row | undefined {
  return rows.find((row) => covers(row.files, file))
}

function isAllowed(row: Row, { file, to }: Import): boolean {
  const last = (named: string[]) => named.filter((pattern) => covers(pattern, to)).sort((a, b) => b.length - a.length)[0]?.length ?? -1
  const own = /[/]$/.test(row.files) && covers(row.files, to) ? row.files.length : -1
  const allowed = Math.max(own, last(row.may.filter((pattern) => !pattern.startsWith('!'))))
  const denied = last(row.may.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1)))
  return file === to || allowed > denied
}

describe('every import keeps to the table of architecture 5', () => {
  test('the sources are read: there are files of each kind, and imports in them', () => {
    expect(files.length).toBeGreaterThan(15)
    expect(shipped.length).toBeGreaterThan(20)
    expect(shipped.some(({ to }) => to.startsWith('shared/'))).toBe(true)
  })

  test('every file lies in a folder that the table knows', () => {
    expect(files.filter((file) => !rowOf(file))).toEqual([])
  })

  test('no file imports what its row does not list', () => {
    const broken = shipped.flatMap((one) => {
      const row = rowOf(one.file)
      return row && !isAllowed(row, one) ? [`${one.file} imports ${one.to}; ${row.files} ${row.because}`] : []
    })
    expect(broken).toEqual([])
  })

  test('a forbidden import is found, whichever way it is written', () => {
    const relay = 'cloud/access-server/pump.ts'
    const ways = [
      `import { DatabaseSync } from 'node:sqlite'`,
      `export * from "ssh2"`,
      `const a = await import('../main-server/app.ts')`,
      `import '../../shared/node/leg.ts'`,
    ]
    const found = ways.flatMap((source) => importsOf(relay, source)).map((one) => isAllowed(rowOf(relay) as Row, one))
    expect(found).toEqual([false, false, false, false])
  })

  test('no row lists a package that nobody there imports', () => {
    const unused = rows.flatMap((row) => {
      const from = shipped.filter(({ file }) => rowOf(file) === row)
      const packages = row.may.filter((pattern) => !/^!|^node:|^\*|\.ts$/.test(pattern) && !files.some((file) => covers(pattern, file)))
      return packages.filter((pattern) => !from.some(({ to }) => covers(pattern, to))).map((pattern) => `${row.files} lists ${pattern}`)
    })
    expect(unused).toEqual([])
  })

  test('nothing that is shipped imports a test', () => {
    expect(shipped.filter(({ to }) => isTest(to))).toEqual([])
  })
})

describe('no cycles', () => {
  test('no file can be reached from itself', () => {
    expect(findCycle(imports)).toBeNull()
  })

  test('a cycle over three files is found', () => {
    const chain = (file: string, to: string) => ({ file, to, typeOnly: false })
    expect(findCycle([chain('a.ts', 'b.ts'), chain('b.ts', 'c.ts'), chain('c.ts', 'a.ts')])).toEqual(['a.ts', 'b.ts', 'c.ts', 'a.ts'])
  })
})

describe('the main server', () => {
  test('two nouns meet only in app.ts', () => {
    const nounOf = (file: string) => /^cloud\/main-server\/([^/]+)\//.exec(file)?.[1]
    const meeting = shipped.filter(({ file, to }) => {
      const other = nounOf(to)
      return file.startsWith('cloud/main-server/') && file !== 'cloud/main-server/app.ts' && other !== undefined && other !== nounOf(file)
    })
    expect(meeting.map(({ file, to }) => `${file} imports ${to}`)).toEqual([])
  })
})

describe.each(['authority/', 'release/'])('%s, which holds a key offline', (folder) => {
  test('loads nothing, not even through others, that could reach a network or start a program', () => {
    const roots = files.filter((file) => file.startsWith(folder) && !isTest(file))
    const loaded = [...reachable(roots, imports)]
    const forbidden = ['net', 'tls', 'http', 'https', 'http2', 'dgram', 'dns', 'dns/promises', 'child_process', 'cluster', 'inspector', 'worker_threads']
    expect(loaded).toContain('shared/node/signing.ts')
    expect(loaded.filter((one) => forbidden.some((name) => one === `node:${name}`))).toEqual([])
  })
})

describe('the relay', () => {
  test('loads nothing, not even through others, that could read what it carries or keep it', () => {
    const roots = files.filter((file) => file.startsWith('cloud/access-server/') && !isTest(file))
    const loaded = [...reachable(roots, imports)]
    const forbidden = [
      'ssh2',
      'node:sqlite',
      'node:child_process',
      'kysely',
      '@lydell/node-pty',
      'node:zlib',
      'shared/node/matching-code.ts',
      'shared/node/leg.ts',
      'main/',
      'agent/',
    ]
    expect(loaded.filter((one) => forbidden.some((pattern) => covers(pattern, one)))).toEqual([])
  })
})
