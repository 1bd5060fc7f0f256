import { AppError, toFailure } from '@gantry/shared/errors.ts'
import { downloadFile, isWhole } from '@gantry/shared/node/download-file.ts'
import type { UpdateStatus } from '@gantry/shared/update-calls.ts'
import type { UpdateManifest, UpdateTarget } from '@gantry/shared/update-manifest.ts'
import type { AppUpdates, ServiceLog, UpdateInstaller } from '../services.ts'
import type { Feed } from './feed.ts'
import { judgeManifest, type Offer, type Verdict } from './judge.ts'
import type { UpdateStore } from './store.ts'

export type UpdatesOptions = {
  installed: string
  target: UpdateTarget
  feed: Feed
  store: UpdateStore
  installer: UpdateInstaller
  /** A session is open, or a request on its way: nothing is installed then. */
  isBusy: () => boolean
  onChange: (status: UpdateStatus) => void
  audit: (kind: 'update.refused' | 'update.installed', data: Record<string, string | number>) => Promise<void>
  log: ServiceLog
  /** Milliseconds since 1970. */
  now: () => number
  pauseMs?: (attempt: number) => number
}

/** Between two words about progress. */
const progressMs = 250
/** A quarter more or less, so that the clients of a vendor do not ask in step. */
const checkMs = 4 * 3_600_000
const retryMs = 900_000

/** The client's own updates (T15): what is offered is judged before it is fetched, verified before anything else sees it, and judged once more before it is installed. */
export function createAppUpdates(options: UpdatesOptions): AppUpdates {
  const { installed, target, feed, store, installer, isBusy, audit, log, now } = options
  const closing = new AbortController()
  let state: UpdateStatus['state'] = 'idle'
  let offer: (Offer & { untilMs: number }) | null = null
  let seen: Pick<UpdateStatus, 'outcome' | 'checkedMs' | 'failure'> = { outcome: null, checkedMs: null, failure: null }
  let bytes = 0
  let fetching: AbortController | null = null
  /** A release whose download the person stopped is fetched again when they say so. */
  let stopped: string | null = null
  let checking: Promise<UpdateStatus> | null = null
  let timer: NodeJS.Timeout | null = null

  const status = (): UpdateStatus => ({
    ...{ installed, channel: target.channel, unsupported: null, state, ...seen },
    ...{ release: offer?.release ?? null, isRequired: offer?.isRequired ?? false, bytes, totalBytes: offer?.file.bytes ?? 0 },
    previous: store.before(installed),
  })
  const tell = (next: UpdateStatus['state'] = state) => {
    state = next
    const told = status()
    options.onChange(told)
    return told
  }
  const fail = (error: unknown, next: UpdateStatus['state']) => {
    const failure = toFailure(error)
    log.warn('an update came to nothing', { code: failure.code })
    seen = { ...seen, failure }
    return tell(next)
  }
  const drop = () => {
    fetching?.abort()
    fetching = null
    offer = null
    bytes = 0
  }

  const take = (manifest: UpdateManifest, verdict: Verdict) => {
    if (verdict.kind === 'refused') throw new AppError(verdict.code, verdict.details ? { details: verdict.details } : {})
    store.takeSerial(target, manifest.serial)
    const outcome = verdict.kind === 'halted' && verdict.release === installed ? 'halted-here' : verdict.kind === 'offered' ? null : verdict.kind
    seen = { outcome, checkedMs: now(), failure: null }
    const untilMs = manifest.expiresAt * 1_000
    if (verdict.kind !== 'offered') drop()
    else if (offer?.file.sha512 === verdict.file.sha512) offer = { ...verdict, untilMs }
    else {
      drop()
      offer = { ...verdict, untilMs }
    }
    store.prune(installed, offer?.release ?? null)
  }
  /** What was refused is in the audit; that it cannot be written there makes it no better. */
  const noteRefused = (data: { code: string; release?: string }) =>
    audit('update.refused', data).catch(() => log.warn('a refused update is not in the audit', { code: data.code }))
  const ask = async (): Promise<UpdateStatus> => {
    const had = offer?.file.sha512
    if (state === 'idle') tell('checking')
    try {
      const manifest = await feed.manifest(target, closing.signal)
      const standing = { installed, target, format: installer.format, serial: store.serialOf(target), installation: store.installation, nowMs: now() }
      take(manifest, judgeManifest(manifest, standing))
    } catch (error) {
      // A server that does not answer changes nothing. One that answers wrongly, or no more, may be hiding that what it offered was taken back.
      const { code } = toFailure(error)
      if (code.startsWith('update.')) drop()
      if (code.startsWith('update.') && code !== 'update.none') await noteRefused({ code })
      return fail(error, offer ? state : 'idle')
    }
    if (!offer) return tell('idle')
    const isInHand = fetching || state === 'ready' || state === 'waiting' || state === 'installing'
    if (isInHand && offer.file.sha512 === had) return tell()
    return stopped === offer.release ? tell('offered') : fetchOffer()
  }
  const fetchOffer = (): UpdateStatus => {
    if (!offer || fetching || state === 'installing') return status()
    const { release, file } = offer
    const own = new AbortController()
    fetching = own
    stopped = null
    seen = { ...seen, failure: null }
    state = 'downloading'
    let toldMs = 0
    const doing = downloadFile({
      file,
      path: store.pathOf(release, file),
      openFrom: (from, signal) => feed.open(file, from, signal),
      onProgress(done) {
        if (fetching !== own) return
        bytes = done
        if (performance.now() - toldMs < progressMs) return
        toldMs = performance.now()
        tell()
      },
      signal: AbortSignal.any([own.signal, closing.signal]),
      ...(options.pauseMs ? { pauseMs: options.pauseMs } : {}),
    })
    const over = (then: () => unknown) => {
      if (fetching !== own || closing.signal.aborted) return
      fetching = null
      then()
    }
    doing.then(
      () => over(() => tell('ready')),
      (error: unknown) => {
        const { code } = toFailure(error)
        if (code === 'update.file-bad') void noteRefused({ code, release })
        over(() => fail(error, 'offered'))
      },
    )
    return tell()
  }

  const check = () => {
    if (timer) clearTimeout(timer)
    checking ??= ask().finally(() => {
      checking = null
      if (closing.signal.aborted) return
      timer = setTimeout(() => void check(), (seen.failure ? retryMs : checkMs) * (0.75 + Math.random() / 2)).unref()
    })
    return checking
  }

  const installNow = async () => {
    const wanted = offer?.file.sha512
    tell('installing')
    try {
      // A release that was taken back since it was fetched is not installed; a server that is away keeps nobody from installing what is good.
      await check()
      if (!offer) return
      if (offer.file.sha512 !== wanted) {
        tell('offered')
        fetchOffer()
        return
      }
      seen = { ...seen, failure: null }
      const { release, file, untilMs } = offer
      if (now() > untilMs) throw new AppError('update.expired')
      const path = store.pathOf(release, file)
      if (!(await isWhole(path, file))) throw new AppError('update.file-bad', { details: { name: file.name } })
      if (installer.runningFile) await store.keepRunning(installed, installer.runningFile)
      const finish = await installer.prepare({ release, path, file, before: store.before(release)?.path ?? null })
      if (isBusy()) return void tell('waiting')
      await audit('update.installed', { release, from: installed })
      log.info('an update is installed', { release, from: installed })
      await finish()
    } catch (error) {
      log.error('an update was not installed', { error: error instanceof Error ? error.message.slice(0, 200) : 'unknown' })
      const details = { path: store.before(offer?.release ?? installed)?.path ?? '' }
      const failure = error instanceof AppError ? error : new AppError('update.install-failed', { cause: error, details })
      fail(failure, !offer ? 'idle' : failure.code === 'update.file-bad' ? 'offered' : 'ready')
    }
  }
  const look = () => {
    if (state === 'waiting' && !isBusy()) void installNow()
  }
  return {
    status,
    check,
    download: fetchOffer,
    cancel() {
      if (state !== 'downloading' || !fetching) return status()
      stopped = offer?.release ?? null
      fetching.abort()
      fetching = null
      return tell('offered')
    },
    install() {
      if (state === 'waiting' || state === 'installing') return status()
      if (state !== 'ready') throw new AppError('update.not-ready')
      seen = { ...seen, failure: null }
      const told = tell('waiting')
      look()
      return told
    },
    postpone() {
      return state === 'waiting' ? tell('ready') : status()
    },
    look,
    close() {
      if (timer) clearTimeout(timer)
      closing.abort(new AppError('server.unreachable', { details: { hop: 'closed' } }))
    },
  }
}
