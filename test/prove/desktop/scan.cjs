/** `node scan.cjs TOOL FOLDER VERSION`: what electronegativity, installed in TOOL, says of FOLDER for that version of Electron, as JSON on standard output. */
const { createRequire } = require('node:module')
const { join } = require('node:path')

const [tool, input, electronVersionOverride] = process.argv.slice(2)
const its = createRequire(join(tool, 'package.json'))
// It asks GitHub for its words and for a list of Electron's releases, and falls over where there is no way to it.
const got = its.resolve('got')
const refuse = () => Promise.reject(new Error('offline'))
its.cache[got] = { id: got, filename: got, loaded: true, exports: { __esModule: true, default: refuse } }
console.log = console.error

const options = { input, electronVersionOverride, isRelative: true, customScan: [], excludeFromScan: ['availablesecurityfixesglobalcheck'] }
its('@doyensec/electronegativity')(options).then(
  (found) => process.stdout.write(JSON.stringify(found)),
  (error) => {
    console.error(error)
    process.exitCode = 1
  },
)
