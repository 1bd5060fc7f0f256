// Looks for what `npm start` and `npm test` need from the system, before anything else happens. On Debian or Ubuntu, as root, it installs what is missing;
// elsewhere it names it, with the command that installs it, and stops. Plain JavaScript, since it must also run under the Node that a system brings along.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const browsers = JSON.parse(readFileSync(join(import.meta.dirname, '../sandbox/data/browsers.json'), 'utf8'))
const windows = process.platform === 'win32'
const mac = process.platform === 'darwin'

/** `any`: one of these programs; `all`: each of them. Package names as Debian, Fedora, Arch and Homebrew have them; '' where the system brings it along. */
const needs = [
  {
    what: 'Chromium',
    for: ['test', 'screens'],
    any: browsers.names,
    paths: browsers.paths[process.platform] ?? [],
    packages: { apt: 'chromium', dnf: 'chromium', pacman: 'chromium', brew: 'chromium' },
  },
  {
    // What the terminal's picture shows of them are empty boxes without.
    what: 'fonts with emoji and Chinese',
    for: ['screens'],
    any: [],
    paths: ['/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf'],
    packages: { apt: 'fonts-noto-color-emoji fonts-wqy-microhei' },
    skip: windows || mac || !isDebian(),
  },
  {
    what: 'OpenSSH',
    for: ['test'],
    all: ['ssh', 'sftp', 'scp', 'ssh-add'],
    packages: { apt: 'openssh-client', dnf: 'openssh-clients', pacman: 'openssh', brew: 'openssh' },
  },
  { what: 'rsync', for: ['test'], all: ['rsync'], packages: { apt: 'rsync', dnf: 'rsync', pacman: 'rsync', brew: 'rsync' }, skip: windows },
  { what: 'D-Bus', for: ['test'], all: ['dbus-run-session'], packages: { apt: 'dbus', dnf: 'dbus-daemon', pacman: 'dbus' }, skip: windows || mac },
  {
    what: 'Secret Service (GNOME Keyring)',
    for: ['test'],
    all: ['gnome-keyring-daemon'],
    packages: { apt: 'gnome-keyring', dnf: 'gnome-keyring', pacman: 'gnome-keyring' },
    skip: windows || mac,
  },
  {
    what: 'libsecret',
    for: ['test'],
    library: 'libsecret-1.so.0',
    packages: { apt: 'libsecret-1-0', dnf: 'libsecret', pacman: 'libsecret' },
    skip: windows || mac,
  },
  {
    // Tests in network namespaces need root; who is not root skips them.
    what: 'nftables, iproute2',
    for: ['test'],
    all: ['nft', 'ip'],
    packages: { apt: 'nftables iproute2', dnf: 'nftables iproute', pacman: 'nftables iproute2' },
    skip: windows || mac || process.getuid?.() !== 0,
  },
  {
    what: 'bash, setpriv (util-linux)',
    for: ['start', 'test'],
    all: ['bash', 'setpriv'],
    packages: { apt: 'bash util-linux', dnf: 'bash util-linux', pacman: 'bash util-linux' },
    skip: windows || mac,
  },
  {
    what: 'squid',
    for: ['test'],
    any: ['squid'],
    paths: ['/usr/sbin/squid'],
    packages: { apt: 'squid-openssl', dnf: 'squid', pacman: 'squid', brew: 'squid' },
    skip: windows,
  },
  {
    what: 'tinyproxy, mitmproxy',
    for: ['test'],
    all: ['tinyproxy', 'mitmdump'],
    packages: { apt: 'tinyproxy mitmproxy', dnf: 'tinyproxy mitmproxy', pacman: 'tinyproxy mitmproxy', brew: 'tinyproxy mitmproxy' },
    skip: windows,
  },
  {
    what: 'nftables, iproute2',
    for: ['test', 'prove'],
    all: ['nft', 'ip', 'tc', 'ss'],
    packages: { apt: 'nftables iproute2', dnf: 'nftables iproute iproute-tc', pacman: 'nftables iproute2' },
    skip: windows || mac,
  },
  {
    what: 'sslscan, nmap, ssh-audit, testssl.sh',
    for: ['prove'],
    all: ['sslscan', 'nmap', 'ssh-audit', 'testssl'],
    packages: { apt: 'sslscan nmap ssh-audit testssl.sh', dnf: 'sslscan nmap ssh-audit testssl', pacman: 'sslscan nmap ssh-audit testssl.sh' },
    skip: windows || mac,
  },
  {
    what: 'libfaketime',
    for: ['prove'],
    all: ['faketime'],
    packages: { apt: 'faketime', dnf: 'libfaketime', pacman: 'libfaketime' },
    skip: windows || mac,
  },
  {
    // What a session's programs may try on the network is tried with it; the account that they run as sees no other one.
    what: 'Python 3',
    for: ['test'],
    any: [],
    paths: ['/usr/bin/python3'],
    packages: { apt: 'python3', dnf: 'python3', pacman: 'python' },
    skip: windows || mac || process.getuid?.() !== 0,
  },
  {
    what: 'glewlwyd',
    for: ['prove'],
    any: ['glewlwyd'],
    // The package starts it with a known password of its administrator; the proof starts its own.
    services: ['glewlwyd'],
    packages: { apt: 'glewlwyd dbconfig-sqlite3' },
    skip: windows || mac || !isDebian(),
  },
  {
    what: 'OpenSSH’s regression scripts',
    for: ['prove'],
    any: [],
    paths: ['/usr/lib/openssh/regress/test-exec.sh'],
    // It brings sshd with it where there was none; one that was there goes on serving.
    services: existsSync('/usr/sbin/sshd') ? [] : ['ssh'],
    packages: { apt: 'openssh-tests' },
    skip: windows || mac || !isDebian(),
  },
  {
    // Terminals to compare with, and programs whose output they are given.
    what: 'tmux, vttest, vim, less, htop, top, mc, dialog',
    for: ['prove'],
    all: ['tmux', 'vttest', 'vim', 'less', 'htop', 'top', 'mc', 'dialog'],
    packages: {
      apt: 'tmux vttest vim less htop procps mc dialog',
      dnf: 'tmux vttest vim less htop procps-ng mc dialog',
      pacman: 'tmux vttest vim less htop procps-ng mc dialog',
    },
    skip: windows || mac,
  },
  {
    what: 'pyte',
    for: ['prove'],
    any: [],
    paths: ['/usr/lib/python3/dist-packages/pyte/__init__.py'],
    packages: { apt: 'python3-pyte' },
    skip: windows || mac || !isDebian(),
  },
  {
    what: 'conntrack, Python 3',
    for: ['prove'],
    all: ['conntrack', 'python3'],
    packages: { apt: 'conntrack python3', dnf: 'conntrack-tools python3', pacman: 'conntrack-tools python' },
    skip: windows || mac,
  },
]
const words = /^fr/i.test(process.env.LC_ALL || process.env.LC_MESSAGES || process.env.LANG || '')
  ? {
      missing: (names) => `Il manque : ${names}.`,
      install: (command) => `Pour l’installer : ${command}`,
      installing: (names) => `Il manque ${names}; installation …`,
      failed: 'L’installation n’a pas réussi.',
      node: (version) => `Node 24 ou plus récent est nécessaire (ici ${version}). Lancez « npm ci », puis passez par npm: il apporte son propre Node.`,
    }
  : {
      missing: (names) => `Missing: ${names}.`,
      install: (command) => `Install with: ${command}`,
      installing: (names) => `Missing: ${names}; installing …`,
      failed: 'The installation did not succeed.',
      node: (version) => `Node 24 or later is needed (here ${version}). Run "npm ci", then go through npm: it brings its own Node.`,
    }

const purpose = ['start', 'prove', 'screens'].includes(process.argv[2]) ? process.argv[2] : 'test'
const missing = () => needs.filter((need) => !need.skip && need.for.includes(purpose) && !isThere(need))
// Where there is a display a browser is welcome; where none can be had the sandbox prints links.
const welcome = () => needs.filter((need) => !need.skip && need.welcomeFor?.includes(purpose) && process.env.DISPLAY && !isThere(need))

let lacking = missing()
const wanted = [...lacking, ...welcome()]
if (wanted.length > 0 && mayInstall()) {
  console.error(words.installing(namesOf(wanted)))
  install(wanted)
  lacking = missing()
  if (lacking.length > 0) console.error(words.failed)
}
if (lacking.length > 0) {
  console.error(`${words.missing(namesOf(lacking))} (prerequisite.missing)`)
  const command = commandFor(lacking)
  if (command) console.error(words.install(command))
  process.exit(1)
}
// npm puts the project's own Node first; only a direct call meets the system's.
if (purpose === 'start' && Number(process.versions.node.split('.')[0]) < 24) {
  console.error(words.node(process.versions.node))
  process.exit(1)
}

function isThere({ any, all, paths = [], library }) {
  if (library) return hasLibrary(library)
  if (all) return all.every(isProgram)
  return any.some(isProgram) || paths.some((path) => existsSync(path))
}

function isProgram(name) {
  const names = windows ? [`${name}.exe`, `${name}.cmd`] : [name]
  return (process.env.PATH ?? '').split(delimiter).some((folder) => names.some((one) => canRun(join(folder, one))))
}

function canRun(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function hasLibrary(name) {
  const listed = spawnSync('ldconfig', ['-p'], { encoding: 'utf8', env: { ...process.env, PATH: `${process.env.PATH}:/sbin:/usr/sbin` } })
  // A system without ldconfig (musl) is left to the test itself.
  return listed.status !== 0 || listed.stdout.includes(name)
}

function isDebian() {
  try {
    return /^(ID|ID_LIKE)=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'))
  } catch {
    return false
  }
}

function mayInstall() {
  return process.getuid?.() === 0 && isDebian() && isProgram('apt-get')
}

function install(list) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...argv) => spawnSync('apt-get', argv, { stdio: ['ignore', 2, 2], env }).status === 0
  withoutServices(() => {
    if (apt('-q', 'update')) apt('-q', 'install', '-y', '--no-install-recommends', ...packagesOf(list, 'apt'))
  })
  const services = list.flatMap(({ services: named = [] }) => named)
  if (services.length > 0 && isProgram('systemctl')) spawnSync('systemctl', ['disable', ...services], { stdio: 'ignore' })
}

/** What comes with a service does not start it: tests start their own (invoke-rc.d(8)). */
function withoutServices(act) {
  const guard = '/usr/sbin/policy-rc.d'
  const own = !existsSync(guard)
  if (own) writeFileSync(guard, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    act()
  } finally {
    if (own) rmSync(guard)
  }
}

function commandFor(list) {
  if (isDebian()) return `sudo apt-get install -y --no-install-recommends ${packagesOf(list, 'apt').join(' ')}`
  if (mac) return `brew install ${packagesOf(list, 'brew').join(' ')}`
  if (isProgram('dnf')) return `sudo dnf install ${packagesOf(list, 'dnf').join(' ')}`
  if (isProgram('pacman')) return `sudo pacman -S ${packagesOf(list, 'pacman').join(' ')}`
  return null
}

function packagesOf(list, manager) {
  return list.flatMap(({ packages }) => (packages[manager] ? packages[manager].split(' ') : []))
}

function namesOf(list) {
  return list.map(({ what }) => what).join(', ')
}
