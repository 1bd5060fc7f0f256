import { contextBridge, ipcRenderer, webUtils } from 'electron'
import type { Api } from './api.ts'

// The channel prefixes are the whole allow-list: the main process answers under them only the names of shared/ipc.ts.
const api: Api = {
  call: (name, input) => ipcRenderer.invoke(`call:${name}`, input),
  pathOf: (file) => webUtils.getPathForFile(file),
  on(name, listener) {
    const relay = (_event: unknown, payload: Parameters<typeof listener>[0]) => listener(payload)
    ipcRenderer.on(`event:${name}`, relay)
    return () => {
      ipcRenderer.off(`event:${name}`, relay)
    }
  },
}

contextBridge.exposeInMainWorld('api', api)
