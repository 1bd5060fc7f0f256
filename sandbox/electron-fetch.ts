/**
 * Loaded before Electron's own installer (`node --import`), whose download says nothing for 30 s and waits for ever: each chunk that arrives is told
 * on stdout as one line of JSON, so that whoever started it can show progress and give up when nothing comes.
 */
const fetchAsBefore = globalThis.fetch

globalThis.fetch = async (...args) => {
  const response = await fetchAsBefore(...args)
  const total = Number(response.headers.get('content-length') ?? 0)
  let received = 0
  const counted = response.body?.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        received += chunk.length
        process.stdout.write(`${JSON.stringify({ received, total })}\n`)
        controller.enqueue(chunk)
      },
    }),
  )
  return new Response(counted ?? null, { status: response.status, statusText: response.statusText, headers: response.headers })
}
