import type { Config } from './config.ts'

export type MainServerOptions = {
  /** Milliseconds since 1970. */
  now?: () => number
}
export type MainServer = {
  /** `https://host:port` of the listener for people and clients. */
  peopleOrigin: string
  /** `https://host:port` of the listener for agents. */
  agentOrigin: string
  /** Drains and stops; safe to call twice. */
  close(): Promise<void>
}

export async function startMainServer(_config: Config, _options: MainServerOptions = {}): Promise<MainServer> {
  throw new Error('being built')
}
