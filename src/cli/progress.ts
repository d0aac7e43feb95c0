/** How far a long job is: a bar on a terminal, a line every tenth elsewhere, JSON lines for programs. */
import { Format, SingleBar } from 'cli-progress';
import { toMoebiusError } from '../base/errors.ts';
import { type Terminal, writeLine } from './terminal.ts';

export interface Step {
  phase: 'download' | 'verify' | 'convert' | 'carve' | 'measure' | 'trace' | 'fit';
  /** 0-100. */
  percent: number;
  doneBytes?: number;
  totalBytes?: number;
  secondsLeft?: number | null;
  message?: string;
}

export interface Progress {
  report(step: Step): void;
  /** Ends the display; the bar stays as it is. */
  close(): void;
}

export function openProgress(terminal: Terminal, json: boolean): Progress {
  if (json) return { report: step => void terminal.stdout.write(`${JSON.stringify(step)}\n`), close() {} };
  return terminal.stderr.isTTY ? bar(terminal) : plainLines(terminal);
}

/** Runs `job` with a display. With `json` its end is a line too: `{"done":true, ...}` or `{"error": ...}`. */
export async function withProgress<T extends object>(
  terminal: Terminal,
  json: boolean,
  job: (report: (step: Step) => void) => Promise<T>,
): Promise<T> {
  const progress = openProgress(terminal, json);
  try {
    const result = await job(step => progress.report(step));
    progress.close();
    if (json) await writeLine(terminal.stdout, JSON.stringify({ done: true, ...result }));
    return result;
  } catch (thrown) {
    progress.close();
    const { code, message } = toMoebiusError(thrown);
    if (json) await writeLine(terminal.stdout, JSON.stringify({ error: { code, message } }));
    throw thrown;
  }
}

function bar(terminal: Terminal): Progress {
  const display = new SingleBar({
    stream: terminal.stderr as NodeJS.WritableStream,
    format: (options, params, payload) =>
      `${String(payload.phase).padEnd(8)} ${Format.BarFormat(params.progress, options)} ${describe(payload as Step)}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    gracefulExit: false,
  });
  let phase: string | null = null;
  return {
    report(step) {
      if (phase === null) display.start(100, step.percent, step);
      if (phase !== null && phase !== step.phase) {
        display.stop();
        display.start(100, step.percent, step);
      }
      phase = step.phase;
      display.update(step.percent, step);
    },
    close: () => display.stop(),
  };
}

function plainLines(terminal: Terminal): Progress {
  let last = '';
  return {
    report(step) {
      const mark = `${step.phase} ${Math.floor(step.percent / 10)}`;
      if (mark === last) return;
      last = mark;
      terminal.stderr.write(`${step.phase} ${describe(step)}\n`);
    },
    close() {},
  };
}

/** `41 %  458 of 1,117 MB  2 min left  layer 12 of 28` */
export function describe({ percent, doneBytes, totalBytes, secondsLeft, message }: Step): string {
  const parts = [`${Math.floor(percent)} %`];
  if (doneBytes !== undefined && totalBytes)
    parts.push(`${megabytes(doneBytes)} of ${megabytes(totalBytes)} MB`);
  if (secondsLeft != null) parts.push(`${duration(secondsLeft)} left`);
  if (message) parts.push(message);
  return parts.join('  ');
}

export const megabytes = (bytes: number): string => Math.round(bytes / 1e6).toLocaleString('en-US');

function duration(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
