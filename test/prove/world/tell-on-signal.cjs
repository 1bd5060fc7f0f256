/**
 * Loaded into a process that lets nobody inspect it (`--require`): on SIGUSR2 it collects its garbage and writes what it then holds into the folder `GANTRY_TELL`, as `PID.json`.
 */
const { renameSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { setFlagsFromString } = require('node:v8')
const { runInNewContext } = require('node:vm')

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')

process.on('SIGUSR2', () => {
  for (let times = 0; times < 3; times += 1) collect()
  const file = join(process.env.GANTRY_TELL, `${process.pid}.json`)
  writeFileSync(`${file}.new`, JSON.stringify({ memory: process.memoryUsage(), resources: process.getActiveResourcesInfo() }))
  renameSync(`${file}.new`, file)
})
