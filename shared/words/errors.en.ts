import type { ErrorCode, ErrorDetails } from '../errors.ts'

/** `what` happened, and what to do about it. Details are plain facts; a missing one reads as a dash. */
export type ErrorWords = Record<ErrorCode, (details: ErrorDetails) => { what: string; todo: string }>
