import { enableCompileCache } from 'node:module'
import { compileCache } from './compile-cache.ts'

// Before anything large is loaded: compiled code is kept between starts, here as in the parts.
enableCompileCache(compileCache)
const { runSandboxCommand } = await import('./command.ts')
await runSandboxCommand(process.argv.slice(2))
