/** How a daemon ended, in words for the person who reads the message. */
import { EXIT } from '../../protocol/exit-codes.ts';
import type { ExitInfo } from './spawn.ts';

/** Windows reports native crashes as exit codes of this form. */
const WINDOWS_ACCESS_VIOLATION = 0xc0000005;
const NATIVE_SIGNALS: readonly string[] = ['SIGSEGV', 'SIGABRT', 'SIGILL', 'SIGBUS', 'SIGFPE'];
const TAIL_LINES = 5;
/** Stack frames and what Node prints around an error: the log has them, a message has no room for them. */
const NOISE = /^\s*($|at |\d+: |-----|\^|[{}]+$|Node\.js v|node:internal)/;

export function describeExit(exit: ExitInfo, stderrTail: string): string {
  const lines = stderrTail
    .split('\n')
    .filter(line => !NOISE.test(line))
    .slice(-TAIL_LINES);
  const lastWords = lines.length > 0 ? ` Its last words: ${lines.join(' | ')}` : '';
  return `${cause(exit)}${lastWords}`;
}

function cause({ code, signal, spawnError }: ExitInfo): string {
  if (spawnError) return `The inference daemon could not be started: ${spawnError.message}.`;
  if (signal === 'SIGKILL') {
    return 'The inference daemon was killed (SIGKILL), most likely because memory ran out: try a smaller model or context.';
  }
  if (signal !== null && NATIVE_SIGNALS.includes(signal)) {
    return `The inference daemon crashed in native code (${signal}).`;
  }
  if (code === WINDOWS_ACCESS_VIOLATION)
    return 'The inference daemon crashed in native code (access violation).';
  if (signal !== null) return `The inference daemon was ended by ${signal}.`;
  if (code === EXIT.uncaught) return 'The inference daemon ended because of an internal error.';
  if (code === EXIT.clientGone) return 'The inference daemon lost the connection to the editor.';
  if (code === EXIT.brokenConnection) return 'The inference daemon could not understand the editor.';
  return `The inference daemon ended unexpectedly (exit code ${code}).`;
}
