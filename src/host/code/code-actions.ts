/** The light bulb: fix and explain on a problem; document, tests and refactor on a selection. */
import * as vscode from 'vscode';
import { lockedReason } from '../agent/modes.ts';

const { QuickFix, RefactorRewrite } = vscode.CodeActionKind;

export class CodeActions implements vscode.CodeActionProvider {
  static readonly kinds = [QuickFix, RefactorRewrite];

  provideCodeActions(
    document: vscode.TextDocument,
    range: vscode.Range,
    context: vscode.CodeActionContext,
  ): vscode.CodeAction[] {
    const wants = (kind: vscode.CodeActionKind) => !context.only || context.only.contains(kind);
    const actions: vscode.CodeAction[] = [];
    const problem = context.diagnostics.find(one => one.severity <= vscode.DiagnosticSeverity.Warning);
    if (problem && wants(QuickFix)) {
      // An empty range: the command then works on the function around the problem.
      const at = new vscode.Range(problem.range.start, problem.range.start);
      const fix = action('Moebius: Fix with the local model', QuickFix, 'moebius.code.fix', document.uri, at);
      fix.diagnostics = [problem];
      const explain = action(
        'Moebius: Explain this problem',
        QuickFix,
        'moebius.code.explain',
        document.uri,
        at,
        problem.message,
      );
      explain.diagnostics = [problem];
      actions.push(fix, explain);
      // Elsewhere it would not be carried out.
      if (document.uri.scheme === 'file' && lockedReason() === null) {
        const task = action(
          'Moebius: Fix with the agent',
          QuickFix,
          'moebius.agent.fixProblem',
          document.uri,
          at,
          problem.message,
        );
        task.diagnostics = [problem];
        actions.push(task);
      }
    }
    if (!range.isEmpty && wants(RefactorRewrite)) {
      const rewrite = (title: string, command: string) =>
        action(title, RefactorRewrite, command, document.uri, new vscode.Range(range.start, range.end));
      actions.push(
        rewrite('Moebius: Refactor…', 'moebius.code.refactor'),
        rewrite('Moebius: Document', 'moebius.code.document'),
        rewrite('Moebius: Generate tests', 'moebius.code.tests'),
      );
    }
    return actions;
  }
}

function action(
  title: string,
  kind: vscode.CodeActionKind,
  command: string,
  ...args: unknown[]
): vscode.CodeAction {
  const made = new vscode.CodeAction(title, kind);
  made.command = { title, command, arguments: args };
  return made;
}
