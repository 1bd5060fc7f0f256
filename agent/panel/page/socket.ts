import { type PanelInput, PanelScreen } from '@gantry/shared/panel.ts'

export type PanelSocket = { send(input: PanelInput): void }
export type PanelSocketWith = { onScreen: (screen: PanelScreen) => void; onConnected: (connected: boolean) => void }

const retryMs = 1_000

/** The way to the page's own host, connecting again for as long as the page lives. What does not fit the contract is not shown. */
export function openPanelSocket({ onScreen, onConnected }: PanelSocketWith): PanelSocket {
  const address = new URL('socket', location.href)
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:'
  address.search = ''
  address.hash = ''
  let socket: WebSocket
  const connect = () => {
    socket = new WebSocket(address)
    socket.addEventListener('open', () => onConnected(true))
    socket.addEventListener('message', ({ data }) => {
      const screen = PanelScreen.safeParse(parseJson(data))
      if (screen.success) onScreen(screen.data)
    })
    socket.addEventListener('close', () => {
      onConnected(false)
      setTimeout(connect, retryMs)
    })
  }
  connect()
  return {
    send(input) {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(input))
    },
  }
}

function parseJson(data: unknown): unknown {
  try {
    return JSON.parse(String(data))
  } catch {
    return null
  }
}
