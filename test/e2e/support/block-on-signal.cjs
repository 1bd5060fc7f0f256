// Loaded before the agent by a test: on SIGUSR2 its event loop turns no more.
process.on('SIGUSR2', () => {
  for (;;) {}
})
