import { AppError, type ErrorCode } from '../errors.ts'

const codes: Record<string, ErrorCode> = {
  ENOENT: 'file.not-found',
  EEXIST: 'file.exists',
  EACCES: 'file.denied',
  EPERM: 'file.denied',
  EROFS: 'file.denied',
  ENOSPC: 'file.disk-full',
  EDQUOT: 'file.disk-full',
  EFBIG: 'file.too-large',
  ENAMETOOLONG: 'file.name-not-allowed',
  EINVAL: 'file.name-not-allowed',
  ENOTDIR: 'file.not-a-folder',
  EISDIR: 'file.not-a-file',
  ENOTEMPTY: 'file.not-empty',
  ELOOP: 'file.outside-root',
}

/** A failure of this computer's file system as one of the catalogue; what is one already stays as it is. */
export function localError(error: unknown): unknown {
  if (error instanceof AppError) return error
  const code = error instanceof Error && 'code' in error ? codes[String(error.code)] : undefined
  return new AppError(code ?? 'file.failed', { cause: error })
}
