/** A commit message from the staged diff, written into the source control input box as it comes. */
import * as vscode from 'vscode';
import { cleanCommitMessage, commitMessages } from '../code/commit-prompt.ts';
import { findRepository, type GitRepository } from '../code/git.ts';
import { allChangesQuestion } from '../code/unstaged.ts';
import type { HostContext } from '../context.ts';
import { signalOf } from '../report.ts';
import type { CommandTable } from './command-table.ts';

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

/** The staged diff; if nothing is staged, all changes when the user says so, else null. */
async function readDiff(repository: GitRepository): Promise<string | null> {
  const staged = await repository.diff(true);
  if (staged.trim()) return staged;
  const all = await repository.diff(false);
  const question = allChangesQuestion(all, repository.state);
  const choice = await vscode.window.showInformationMessage(question, 'All Changes');
  return choice ? all : null;
}
