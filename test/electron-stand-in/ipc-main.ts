import type { IpcMain, IpcMainInvokeEvent } from 'electron'
import { type Members, strictEmitter } from './strict.ts'

type Listener = Parameters<IpcMain['handle']>[1]
const listeners = new Map<string, Listener>()

export const ipcMain = strictEmitter('ipcMain', { emits: [] }, {
  handle(channel: string, listener: Listener) {
    if (listeners.has(channel)) throw new Error(`Attempted to register a second handler for '${channel}'`)
    listeners.set(channel, listener)
  },
  removeHandler(channel: string) {
    listeners.delete(channel)
  },
} satisfies Members<IpcMain>)

/** What the app answers to `ipcRenderer.invoke`; as in Electron the page gets no more of an error than its text. */
export async function invoke(channel: string, event: IpcMainInvokeEvent, inputs: unknown[]): Promise<unknown> {
  const listener = listeners.get(channel)
  if (!listener) throw new Error(`No handler registered for '${channel}'`)
  return await (listener(event, ...inputs) as unknown)
}
