/** Review of the staged changes: file by file, what the model finds is shown as comments beside the lines. */
import * as vscode from 'vscode';
import { MoebiusError } from '../../base/errors.ts';
import { findRepository, type GitRepository } from '../code/git.ts';
import { REVIEW_GRAMMAR, type ReviewComment, readReview, reviewMessages } from '../code/review-prompt.ts';
import { lineFinder, type StagedFile, stagedFiles } from '../code/staged-files.ts';
import type { HostContext } from '../context.ts';
import { signalOf } from '../report.ts';
import type { CommandTable } from './command-table.ts';

const ANSWER_TOKENS = 500;
/** A review of more at once is not read, and takes a small model long. */
const MOST_FILES = 20;
const NOTHING_TO_REVIEW =
  'The staged changes have no lines to review: they delete, rename or are binary, or Git prints them in a form of its own (diff.external).';

export function reviewCommands(context: HostContext, controller: vscode.CommentController): CommandTable {
  let threads: vscode.CommentThread[] = [];
  const clear = () => {
    for (const thread of threads) thread.dispose();
    threads = [];
  };
  return {
    /** `source`: the source control whose button was pressed. */
    'moebius.scm.review': async (source?: unknown) => {
      const repository = await findRepository(source);
      const diff = await repository.diff(true);
      if (!diff.trim()) throw new MoebiusError('bad-request', 'Stage the changes that are to be reviewed.');
      const all = stagedFiles(diff);
      if (all.length === 0) throw new MoebiusError('bad-request', NOTHING_TO_REVIEW);
      clear();
      const files = all.slice(0, MOST_FILES);
      const uris = files.map(({ path }) => vscode.Uri.joinPath(repository.rootUri, path));
      // At once, since it takes a while until the last file is reviewed.
      const staged = await Promise.all(uris.map(uri => stagedText(repository, uri)));
      const unfinished = await review(context, files, async (file, comments) => {
        const index = files.indexOf(file);
        const [uri, text] = [uris[index]!, staged[index] ?? null];
        const now = text === null ? null : await textNow(uri);
        const find = text === null || now === null ? (line: number) => line : lineFinder(text, now);
        threads.push(
          ...comments.map(comment => threadOf(controller, uri, { ...comment, line: find(comment.line) })),
        );
      });
      report(threads.length, [...unfinished, ...all.slice(MOST_FILES).map(({ path }) => path)]);
    },
    'moebius.scm.clearReview': clear,
  };
}

/** null: Git can't say. */
const stagedText = (repository: GitRepository, uri: vscode.Uri): Promise<string | null> =>
  repository.show('', uri.fsPath).catch(() => null);

/** As the user sees the file, unsaved changes included; null: there is none any more. */
async function textNow(uri: vscode.Uri): Promise<string | null> {
  const open = vscode.workspace.textDocuments.find(document => document.uri.toString() === uri.toString());
  if (open) return open.getText();
  return vscode.workspace.fs.readFile(uri).then(
    bytes => vscode.workspace.decode(bytes, { uri }),
    () => null,
  );
}

/** Names of files that were not shown or not answered to their end. */
async function review(
  { backend }: HostContext,
  files: readonly StagedFile[],
  found: (file: StagedFile, comments: ReviewComment[]) => Promise<void>,
): Promise<string[]> {
  const unfinished: string[] = [];
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: 'Moebius: review',
    cancellable: true,
  };
  await vscode.window.withProgress(options, async (progress, token) => {
    for (const file of files) {
      progress.report({ message: file.path, increment: 100 / files.length });
      const { messages, isCut } = reviewMessages(file);
      const result = await backend.generate(
        {
          messages,
          grammar: REVIEW_GRAMMAR,
          maxTokens: ANSWER_TOKENS,
          temperature: 0,
          level: 'exact',
          sequence: 'edit',
        },
        { signal: signalOf(token) },
      );
      const answer = readReview(result, file);
      await found(file, answer.comments);
      if (isCut || answer.isCut) unfinished.push(file.path);
    }
  });
  return unfinished;
}

function threadOf(
  controller: vscode.CommentController,
  uri: vscode.Uri,
  { line, text }: ReviewComment,
): vscode.CommentThread {
  const comment: vscode.Comment = {
    author: { name: 'Moebius' },
    // Text of the model: shown as it is, without links and pictures.
    body: new vscode.MarkdownString().appendText(text),
    mode: vscode.CommentMode.Preview,
  };
  const thread = controller.createCommentThread(uri, new vscode.Range(line - 1, 0, line - 1, 0), [comment]);
  thread.canReply = false;
  thread.label = 'Review';
  thread.collapsibleState = vscode.CommentThreadCollapsibleState.Expanded;
  return thread;
}

function report(count: number, unfinished: readonly string[]): void {
  const found = count === 0 ? 'found nothing' : count === 1 ? 'made 1 comment' : `made ${count} comments`;
  const rest =
    unfinished.length > 0
      ? ` Not reviewed to the end: ${unfinished.join(', ')}. Stage fewer changes at a time to have all of them reviewed.`
      : '';
  void vscode.window.showInformationMessage(`Moebius: the review ${found}.${rest}`);
}
