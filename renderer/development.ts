import './socket-api.ts'

// A static import would be bundled into a chunk that runs before the bridge is there.
await import('./main.tsx')
