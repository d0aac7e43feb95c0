/**
 * One error class for everything that is expected to fail. `code` is what programs match on, `message` is for the
 * person who must act: what happened and what to do. Codes are stable; they travel over the wire.
 */
export type ErrorCode =
  | 'cancelled'
  | 'bad-request'
  | 'not-found'
  | 'model-missing'
  | 'model-invalid'
  | 'format-invalid'
  | 'hash-mismatch'
  | 'download-failed'
  | 'disk-full'
  | 'context-full'
  | 'out-of-memory'
  | 'busy'
  | 'daemon-down'
  | 'version-mismatch'
  | 'timeout'
  | 'unsupported'
  /** The rules of the workspace or the user said no. */
  | 'refused'
  /** A file is no longer what the change was made for. */
  | 'stale'
  /** A task of the agent ended before it was done, or its check does not pass. */
  | 'unfinished'
  | 'internal';

export class MoebiusError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MoebiusError';
    this.code = code;
  }
}

export const cancelled = (): MoebiusError => new MoebiusError('cancelled', 'The request was cancelled.');

/** No room is left for what is written: on the disk, or of what its owner may use. */
export const isDiskFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');

/** Any thrown value as a MoebiusError; unknown errors become `internal` and keep their cause. */
export function toMoebiusError(error: unknown): MoebiusError {
  if (error instanceof MoebiusError) return error;
  if (error instanceof Error && error.name === 'AbortError') return cancelled();
  const message = error instanceof Error ? error.message : String(error);
  return new MoebiusError('internal', message, { cause: error });
}
