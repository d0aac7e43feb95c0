/** Ghost text: the editor's requests to the completion pipeline, in every text document. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Backend } from '../backends/backend.ts';
import { monotonicClock } from '../base/clock.ts';
import { toMoebiusError } from '../base/errors.ts';
import { AdaptiveDebounce } from '../completion/debounce.ts';
import { isLanguageOn } from '../completion/languages.ts';
import { CompletionPipeline, type SuggestOptions } from '../completion/pipeline.ts';
import { completeParams } from '../completion/request.ts';
import type { CompletionCall } from '../completion/runner.ts';
import type { Snooze } from '../completion/snooze.ts';
import { Grammars } from '../completion/syntax/grammars.ts';
import { renderTraces } from '../completion/why.ts';
import type { CompletionContext } from './completion-context.ts';
import type { HostContext } from './context.ts';
import { cursorAt } from './cursor-reader.ts';
import { report, signalOf } from './report.ts';
import { readSettings, type Settings } from './settings.ts';

/** Documents that hold no code of the user's, or where suggestions would be in the way. */
const SILENT_SCHEMES =
  /^(?:output|git|debug|comment|chat.*|vscode-chat.*|interactive-input|moebius-proposed|search-editor)$/;
/** Saving power, the model is asked at longer pauses only. */
const SAVING_FACTOR = 2;
/** A line this long is minified or data. */
const LONGEST_LINE = 2000;

export class GhostTextProvider implements vscode.InlineCompletionItemProvider {
  private readonly context: HostContext;
  private readonly hasModel: () => boolean;
  private readonly snooze: Snooze;
  private readonly around: CompletionContext;
  private readonly debounce = new AdaptiveDebounce();
  private readonly pipeline: CompletionPipeline;
  private decodeBudgetMs = 1500;
  /** The last failure that was logged: one that repeats with every keystroke is logged once. */
  private lastFailure = '';

  constructor(context: HostContext, hasModel: () => boolean, snooze: Snooze, around: CompletionContext) {
    this.context = context;
    this.snooze = snooze;
    this.around = around;
    this.hasModel = hasModel;
    const grammars = new Grammars(
      file => readFile(join(context.extension.extensionPath, 'dist', 'grammars', file)),
      error =>
        context.log.warn(
          `completion: no grammar, so how much to suggest is told by indentation: ${error.message}`,
        ),
    );
    this.pipeline = new CompletionPipeline(
      (call, { signal, onText }) => this.complete(context.backend, call, signal, onText),
      monotonicClock,
      grammars,
    );
  }

  /** For another model: what this one suggested is not what that one would. */
  forget(): void {
    this.pipeline.clear();
  }

  /** The last requests and what became of them, in Markdown. */
  explain(): string {
    return renderTraces(this.pipeline.log.all);
  }

  /** The user has sent away what was shown last. */
  dismiss(): void {
    this.pipeline.dismiss();
  }

  async provideInlineCompletionItems(
    document: vscode.TextDocument,
    position: vscode.Position,
    request: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
  ): Promise<vscode.InlineCompletionItem[]> {
    const isManual = request.triggerKind === vscode.InlineCompletionTriggerKind.Invoke;
    const { completion } = readSettings(document);
    if (!isManual && !this.mayRun(document, position, completion)) return [];
    const selected = request.selectedCompletionInfo;
    const cursor = cursorAt(document, position, selected);
    if (!isManual) this.debounce.keystroke(performance.now());
    this.decodeBudgetMs = completion.decodeBudgetMs;
    try {
      const isSaving = completion.savesPower;
      const adaptive = this.debounce.delayMs(cursor.before.slice(-1)) * (isSaving ? SAVING_FACTOR : 1);
      const options: SuggestOptions = {
        isManual,
        multiline: completion.multiline,
        delayMs: completion.debounceMs ?? adaptive,
        isSaving,
        signal: signalOf(token),
      };
      const suggestions = await this.pipeline.suggestAll(cursor, options);
      this.lastFailure = '';
      const start = selected?.range.start ?? position;
      return suggestions.map(({ text, replaceAfter }) => {
        const range = new vscode.Range(start, position.translate(0, replaceAfter));
        return new vscode.InlineCompletionItem((selected?.text ?? '') + text, range);
      });
    } catch (error) {
      this.fail(error, isManual);
      return [];
    }
  }

  /** Has the loaded model read what a suggestion at the editor's cursor will need, where one may come by itself. */
  async readAhead({ document, selection }: vscode.TextEditor): Promise<void> {
    const { completion } = readSettings(document);
    const { kind } = this.context.daemon.state;
    const { active } = selection;
    if (kind !== 'ready' || completion.savesPower || !selection.isEmpty) return;
    if (!this.mayRun(document, active, completion)) return;
    const cursor = cursorAt(document, active);
    try {
      await this.pipeline.readAhead(cursor, budget => this.around.filesFor(document, active, cursor, budget));
    } catch (error) {
      this.fail(error, false);
    }
  }

  /** Whether a suggestion that nobody asked for is welcome. */
  private mayRun(
    document: vscode.TextDocument,
    position: vscode.Position,
    settings: Settings['completion'],
  ): boolean {
    const { kind } = this.context.daemon.state;
    return (
      settings.isEnabled &&
      settings.trigger === 'automatic' &&
      !this.snooze.isOn &&
      vscode.workspace.isTrusted &&
      !SILENT_SCHEMES.test(document.uri.scheme) &&
      isLanguageOn(settings.languages, document.languageId) &&
      document.lineAt(position.line).text.length <= LONGEST_LINE &&
      kind !== 'failed' &&
      kind !== 'stopped' &&
      this.hasModel()
    );
  }

  private async complete(
    backend: Backend,
    call: CompletionCall,
    signal: AbortSignal,
    onText: (text: string) => void,
  ): Promise<Awaited<ReturnType<Backend['complete']>>> {
    const started = performance.now();
    const result = await backend.complete(completeParams(call, this.decodeBudgetMs), {
      signal,
      onEvent: event => {
        if (event.type === 'text') onText(event.text);
      },
    });
    const { usage } = result;
    if (call.maxTokens > 0) this.debounce.answered(performance.now() - started);
    this.context.log.debug(
      `completion: ${Math.round(performance.now() - started)} ms, ${usage.promptTokens} tokens read ` +
        `(${usage.reusedTokens} reused), ${usage.outputTokens} written, ${result.finish}`,
    );
    return result;
  }

  private fail(thrown: unknown, isManual: boolean): void {
    const { code, message } = toMoebiusError(thrown);
    if (isManual) report(thrown, this.context.log);
    else if (code !== 'cancelled' && message !== this.lastFailure) {
      this.lastFailure = message;
      this.context.log.warn(`completion: ${message}`);
    }
  }
}
