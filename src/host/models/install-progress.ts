/** What `moebius model add --json-progress` writes, a JSON object a line, in words for a progress notification. */
import { type ErrorCode, MoebiusError } from '../../base/errors.ts';

export interface InstallProgress {
  phase: string;
  percent: number;
  doneBytes?: number;
  totalBytes?: number;
  secondsLeft?: number;
  message?: string;
}

/** Throws the error that the command reports; null for a line that is no progress. */
export function readProgress(line: unknown): InstallProgress | null {
  if (typeof line !== 'object' || line === null) return null;
  if ('error' in line) {
    const { code, message } = line.error as { code?: ErrorCode; message?: string };
    throw new MoebiusError(code ?? 'internal', message ?? 'The model could not be added.');
  }
  const { phase, percent } = line as Partial<InstallProgress>;
  return typeof phase === 'string' && typeof percent === 'number' ? (line as InstallProgress) : null;
}

/** `downloading 312 of 1,117 MB, 2 min left`. */
export function describeProgress(progress: InstallProgress): string {
  const { phase, percent, doneBytes, totalBytes, secondsLeft, message } = progress;
  const action = PHASES[phase] ?? phase;
  const amount =
    doneBytes !== undefined && totalBytes
      ? `${megabytes(doneBytes)} of ${megabytes(totalBytes)} MB`
      : `${Math.floor(percent)} %`;
  const left = secondsLeft !== undefined && secondsLeft > 0 ? `, ${describeSeconds(secondsLeft)} left` : '';
  return `${action} ${amount}${left}${message ? ` (${message})` : ''}`;
}

const PHASES: Readonly<Record<string, string>> = {
  download: 'downloading',
  convert: 'preparing',
  verify: 'verifying',
};

export const megabytes = (bytes: number): string => Math.round(bytes / 1e6).toLocaleString('en');

const describeSeconds = (seconds: number): string =>
  seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;

/** Two phases share one bar: the download is most of it. Percent of the whole. */
export function overallPercent({ phase, percent }: InstallProgress): number {
  const share = DOWNLOAD_SHARE * 100;
  return phase === 'download' ? percent * DOWNLOAD_SHARE : share + percent * (1 - DOWNLOAD_SHARE);
}
const DOWNLOAD_SHARE = 0.7;
