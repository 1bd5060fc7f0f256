/** What can be done just now with what is on the screen: `keys` as `useKeyLabel` takes them, `detail` where the name alone does not tell on what. */
export type Command = { name: string; detail?: string; keys?: string; run: () => void }
export type CommandsState = {
  offer(commands: () => readonly Command[]): () => void
  all(): Command[]
}

export function openCommands(): CommandsState {
  const offers = new Set<() => readonly Command[]>()
  return {
    offer(commands) {
      offers.add(commands)
      return () => offers.delete(commands)
    },
    all: () => [...offers].flatMap((commands) => commands()),
  }
}
