import { AppError, type ErrorCode } from '../errors.ts'

const codes: Record<string, ErrorCode> = {
  ENOENT: 'file.not-found',
  EEXIST: 'file.exists',
  EACCES: 'file.denied',
  EPERM: 'file.denied',
  EROFS: 'file.denied',
  ETXTBSY: 'file.denied',
  ENOSPC: 'file.disk-full',
  EDQUOT: 'file.disk-full',
  EFBIG: 'file.too-large',
  ENAMETOOLONG: 'file.name-not-allowed',
  // What Windows says about a name that it cannot have.
  EINVAL: 'file.name-not-allowed',
  ENOTDIR: 'file.not-a-folder',
  EISDIR: 'file.not-a-file',
  ENXIO: 'file.not-a-file',
  ENOTEMPTY: 'file.not-empty',
  ELOOP: 'file.outside-root',
}

/** A failed call of a file system as an error of the catalogue, on either side; what is one already stays as it is. The system's own text stays in the cause, since it holds a path. */
export function fileError(error: unknown): AppError {
  if (error instanceof AppError) return error
  const errno = errnoOf(error)
  return new AppError(codes[errno] ?? 'file.failed', { cause: error, ...(errno && !codes[errno] ? { details: { reason: errno } } : {}) })
}

export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
