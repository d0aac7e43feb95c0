/** What `moebius model add --json-progress` writes, a JSON object a line, in words for a progress notification. */
import { type ErrorCode, MoebiusError } from '../../base/errors.ts';

export interface InstallStep {
  phase: string;
  /** Of this phase. */
  percent: number;
  doneBytes?: number;
  totalBytes?: number;
  secondsLeft?: number | null;
  message?: string;
}
export type InstallLine = { kind: 'step'; step: InstallStep } | { kind: 'done'; model: string };

/** Throws the error that the command reports; null for a line that says neither. */
export function readInstallLine(line: unknown): InstallLine | null {
  if (typeof line !== 'object' || line === null) return null;
  if ('error' in line) {
    const { code, message } = line.error as { code?: ErrorCode; message?: string };
    throw new MoebiusError(code ?? 'internal', message ?? 'The model could not be added.');
  }
  if ('done' in line && 'model' in line) return { kind: 'done', model: String(line.model) };
  const { phase, percent } = line as Partial<InstallStep>;
  const isStep = typeof phase === 'string' && typeof percent === 'number';
  return isStep ? { kind: 'step', step: line as InstallStep } : null;
}

/** Share of the bar where each phase begins and ends, in percent: the download is most of it. */
const SHARES: Readonly<Record<string, { action: string; from: number; to: number }>> = {
  download: { action: 'downloading', from: 0, to: 70 },
  verify: { action: 'verifying', from: 70, to: 72 },
  convert: { action: 'preparing', from: 72, to: 100 },
};
const UNKNOWN = { from: 72, to: 100 };

/** `downloading 312 of 1,117 MB, 2 min left`. */
export function describeStep({ phase, percent, doneBytes, totalBytes, secondsLeft }: InstallStep): string {
  const action = SHARES[phase]?.action ?? phase;
  const amount =
    doneBytes !== undefined && totalBytes
      ? `${megabytes(doneBytes)} of ${megabytes(totalBytes)} MB`
      : `${Math.floor(percent)} %`;
  return `${action} ${amount}${secondsLeft ? `, ${describeSeconds(secondsLeft)} left` : ''}`;
}

/** Percent of the whole job. */
export function overallPercent({ phase, percent }: InstallStep): number {
  const { from, to } = SHARES[phase] ?? UNKNOWN;
  return from + ((to - from) * percent) / 100;
}

export const megabytes = (bytes: number): string => Math.round(bytes / 1e6).toLocaleString('en');

const describeSeconds = (seconds: number): string =>
  seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
