/** What every part of the host is given: one object made by compose.ts, no singletons. */
import type * as vscode from 'vscode';
import type { Backend } from '../backends/backend.ts';
import type { Grammars } from '../completion/syntax/grammars.ts';
import type { ModelInfo, ModelSummary, StatusResult } from '../protocol/daemon.ts';

/** State of the supervised daemon, in words a status bar can show. */
export type DaemonState =
  | { kind: 'idle' }
  | { kind: 'starting' }
  | { kind: 'no-model'; reason: string }
  | { kind: 'loading'; model: string; percent: number }
  | { kind: 'ready'; model: string; status: StatusResult | null }
  | { kind: 'backoff'; attempt: number; retryInMs: number; reason: string }
  | { kind: 'failed'; reason: string }
  | { kind: 'stopped' };

export interface Daemon {
  readonly state: DaemonState;
  onDidChangeState(listener: (state: DaemonState) => void): { dispose(): void };
  /** Starts the process and loads the configured model if that has not happened; rejects with a reason to show. */
  ready(signal?: AbortSignal): Promise<ModelInfo>;
  status(): Promise<StatusResult>;
  listModels(): Promise<ModelSummary[]>;
  /** Loads another model of the store (and remembers nothing: the setting is the caller's business). */
  load(model: string): Promise<ModelInfo>;
  restart(): Promise<void>;
  /** Ends the process within 3 s. */
  stop(): Promise<void>;
}

export interface HostContext {
  extension: vscode.ExtensionContext;
  daemon: Daemon;
  /** Answers through the daemon, starting it when needed. */
  backend: Backend;
  grammars: Grammars;
  log: vscode.LogOutputChannel;
}
