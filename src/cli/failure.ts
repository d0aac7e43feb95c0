/** How a command ends: exit codes and the lines a person reads when it failed. */
import { CommanderError } from 'commander';
import { type ErrorCode, toMoebiusError } from '../base/errors.ts';
import { visibleControls } from '../base/visible-text.ts';

export const EXIT = { ok: 0, failed: 1, usage: 2, cancelled: 130 } as const;

/** What helps, where the message of the error alone does not say it. */
const HINTS: Partial<Record<ErrorCode, string>> = {
  'model-missing': 'See `moebius model list` for what is there and `moebius model add <id>` to get one.',
  'model-invalid': 'Make it again: `moebius model remove <id>`, then `moebius model add <id>`.',
  'download-failed': 'Run the command again: it goes on where it stopped. A .gguf file on disk works too.',
  'disk-full': 'Free some space, or set MOEBIUS_HOME to a folder on another disk.',
  'out-of-memory': 'Close other programs, use a smaller model, or a smaller --context.',
  'context-full': 'Shorten the prompt or raise --context.',
};

export interface Failure {
  exitCode: number;
  /** Lines for stderr; empty where commander has printed its own. */
  lines: string[];
}

export function describeFailure(error: unknown, verbose: boolean): Failure {
  if (error instanceof CommanderError) {
    return { exitCode: error.exitCode === 0 ? EXIT.ok : EXIT.usage, lines: [] };
  }
  const failure = toMoebiusError(error);
  if (failure.code === 'cancelled') return { exitCode: EXIT.cancelled, lines: ['Cancelled.'] };
  // A model's last words may be in it.
  const lines = [`error: ${visibleControls(failure.message)}`];
  const hint = HINTS[failure.code];
  if (hint && !failure.message.includes('moebius model')) lines.push(`hint:  ${hint}`);
  if (failure.code === 'internal' && !verbose) lines.push('hint:  --verbose shows where it happened.');
  if (verbose) lines.push(...causes(failure));
  return { exitCode: failure.code === 'bad-request' ? EXIT.usage : EXIT.failed, lines };
}

function causes(error: Error): string[] {
  const lines: string[] = [];
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    lines.push(current.stack ?? String(current));
  }
  return lines;
}

/** True for the error of writing to a pipe whose reader has gone (`| head`): not a failure. */
export const isClosedPipe = (error: unknown): boolean =>
  error instanceof Error && (error as NodeJS.ErrnoException).code === 'EPIPE';
