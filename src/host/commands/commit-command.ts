/** A commit message from the staged diff, written into the source control input box as it comes. */
import * as vscode from 'vscode';
import { MoebiusError } from '../../base/errors.ts';
import { cleanCommitMessage, commitMessages } from '../code/commit-prompt.ts';
import type { HostContext } from '../context.ts';
import { signalOf } from '../report.ts';
import type { CommandTable } from './command-table.ts';

/** What is used of the Git extension's API (version 1). */
interface GitRepository {
  rootUri: vscode.Uri;
  inputBox: { value: string };
  diff(cached?: boolean): Promise<string>;
  log(options: { maxEntries: number }): Promise<{ message: string }[]>;
}
interface GitExtension {
  getAPI(version: 1): { repositories: GitRepository[]; getRepository(uri: vscode.Uri): GitRepository | null };
}

const MESSAGE_TOKENS = 200;

export function commitCommand({ backend }: HostContext): CommandTable {
  return {
    /** `source`: the source control whose button was pressed. */
    'moebius.scm.commitMessage': async (source?: unknown) => {
      const repository = await findRepository(source);
      const diff = await readDiff(repository);
      if (diff === null) return;
      const subjects = await repository.log({ maxEntries: 5 }).catch(() => []);
      const messages = commitMessages(
        diff,
        subjects.map(({ message }) => message.split('\n')[0]!),
      );
      const before = repository.inputBox.value;
      await vscode.window.withProgress(
        {
          location: vscode.ProgressLocation.Notification,
          title: 'Moebius: commit message',
          cancellable: true,
        },
        async (progress, token) => {
          let text = '';
          try {
            const result = await backend.generate(
              { messages, maxTokens: MESSAGE_TOKENS, temperature: 0.2, level: 'exact', sequence: 'edit' },
              {
                signal: signalOf(token),
                onEvent: event => {
                  if (event.type === 'prefill')
                    progress.report({ message: `reading ${event.done} of ${event.total} tokens` });
                  if (event.type !== 'text') return;
                  text += event.text;
                  repository.inputBox.value = cleanCommitMessage(text);
                },
              },
            );
            repository.inputBox.value = cleanCommitMessage(result.text);
          } catch (error) {
            repository.inputBox.value = before;
            throw error;
          }
        },
      );
    },
  };
}

async function findRepository(source: unknown): Promise<GitRepository> {
  const extension = vscode.extensions.getExtension<GitExtension>('vscode.git');
  if (!extension) throw new MoebiusError('unsupported', 'The Git extension is disabled; it reads the diff.');
  const git = (await activated(extension)).getAPI(1);
  const root = (source as { rootUri?: vscode.Uri } | undefined)?.rootUri;
  const active = vscode.window.activeTextEditor?.document.uri;
  const repository =
    (root && git.getRepository(root)) ?? (active && git.getRepository(active)) ?? git.repositories[0];
  if (!repository) throw new MoebiusError('not-found', 'There is no Git repository in this workspace.');
  return repository;
}

async function activated(extension: vscode.Extension<GitExtension>): Promise<GitExtension> {
  try {
    return await extension.activate();
  } catch (cause) {
    throw new MoebiusError('unsupported', 'The Git extension could not start; it reads the diff.', { cause });
  }
}

/** The staged diff; if nothing is staged, all changes when the user says so, else null. */
async function readDiff(repository: GitRepository): Promise<string | null> {
  const staged = await repository.diff(true);
  if (staged.trim()) return staged;
  const all = await repository.diff(false);
  if (!all.trim()) throw new MoebiusError('bad-request', 'Nothing has changed since the last commit.');
  const choice = await vscode.window.showInformationMessage(
    'Moebius: nothing is staged. Describe all changes?',
    'All Changes',
  );
  return choice ? all : null;
}
