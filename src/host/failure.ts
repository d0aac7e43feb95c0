/** What a person is told when something failed, and the buttons that help. Pure; `report.ts` shows it. */
import { type ErrorCode, toMoebiusError } from '../base/errors.ts';

export interface Help {
  title: string;
  command: string;
}
export interface Failure {
  message: string;
  help: Help[];
}

const SHOW_LOG: Help = { title: 'Show Log', command: 'moebius.daemon.showLog' };
const RESTART: Help = { title: 'Restart', command: 'moebius.daemon.restart' };
const DOWNLOAD: Help = { title: 'Get the Model', command: 'moebius.model.download' };
const CHOOSE: Help = { title: 'Choose Model', command: 'moebius.model.choose' };

const HELP: Partial<Record<ErrorCode, Help[]>> = {
  'model-missing': [DOWNLOAD, CHOOSE],
  'model-invalid': [CHOOSE, SHOW_LOG],
  'hash-mismatch': [DOWNLOAD, SHOW_LOG],
  'download-failed': [DOWNLOAD, SHOW_LOG],
  'out-of-memory': [CHOOSE, RESTART, SHOW_LOG],
  'daemon-down': [RESTART, SHOW_LOG],
  'version-mismatch': [RESTART, SHOW_LOG],
  timeout: [RESTART, SHOW_LOG],
  internal: [SHOW_LOG],
};

/** null: nothing to say, the user cancelled it. */
export function describeFailure(thrown: unknown): Failure | null {
  const error = toMoebiusError(thrown);
  if (error.code === 'cancelled') return null;
  return { message: `Moebius: ${error.message}`, help: HELP[error.code] ?? [] };
}
