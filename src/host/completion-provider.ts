/** Ghost text: the editor's requests to the completion pipeline, in every text document. */
import * as vscode from 'vscode';
import type { Backend } from '../backends/backend.ts';
import { monotonicClock } from '../base/clock.ts';
import { toMoebiusError } from '../base/errors.ts';
import { AdaptiveDebounce } from '../completion/debounce.ts';
import { HEAD_LINES, ownImports } from '../completion/own-imports.ts';
import { CompletionPipeline, type SuggestOptions } from '../completion/pipeline.ts';
import { completeBy } from '../completion/request.ts';
import type { CompletionAnswer, CompletionCall, CompletionHooks, FilesFor } from '../completion/runner.ts';
import type { Snooze } from '../completion/snooze.ts';
import type { Grammars } from '../completion/syntax/grammars.ts';
import type { Quiet } from '../completion/trace.ts';
import { renderTraces } from '../completion/why.ts';
import type { ModelInfo } from '../protocol/daemon.ts';
import { type Battery, savesPower } from './battery.ts';
import type { CompletionContext } from './completion-context.ts';
import type { HostContext } from './context.ts';
import { cursorAt } from './cursor-reader.ts';
import { quietIn } from './quiet.ts';
import { report, signalOf } from './report.ts';
import { readSettings, type Settings } from './settings.ts';
import { SpeedMemory } from './speed-memory.ts';

/** Saving power, the model is asked at longer pauses only. */
const SAVING_FACTOR = 2;
/** A line this long is minified or data. */
const LONGEST_LINE = 2000;
/** Of such a line, in the list of the last requests. */
const SHOWN_LINE = 200;

export class GhostTextProvider implements vscode.InlineCompletionItemProvider {
  private readonly context: HostContext;
  private readonly hasModel: () => boolean;
  private readonly snooze: Snooze;
  private readonly battery: Battery;
  private readonly around: CompletionContext;
  private readonly debounce = new AdaptiveDebounce();
  private readonly pipeline: CompletionPipeline;
  private readonly speeds: SpeedMemory;
  /** The model that was met last. */
  private model: ModelInfo | null = null;
  private decodeBudgetMs = 1500;
  /** Documents whose own imports were put before their prompts. */
  private readonly withImports = new WeakSet<vscode.TextDocument>();
  /** The last failure that was logged: one that repeats with every keystroke is logged once. */
  private lastFailure = '';
  private askedByHand: { document: vscode.TextDocument; version: number; position: vscode.Position } | null =
    null;

  constructor(
    context: HostContext,
    hasModel: () => boolean,
    snooze: Snooze,
    battery: Battery,
    around: CompletionContext,
    grammars: Grammars,
  ) {
    this.context = context;
    this.snooze = snooze;
    this.battery = battery;
    this.around = around;
    this.hasModel = hasModel;
    this.speeds = new SpeedMemory(context.extension.globalState);
    this.pipeline = new CompletionPipeline(
      (call, hooks) => this.complete(context.backend, call, hooks),
      monotonicClock,
      grammars,
    );
    this.pipeline.onDidFindOthers(() => void this.askAgain());
  }

  /** For another model: what this one suggested is not what that one would. */
  forget(): void {
    this.pipeline.clear();
  }

  /** The model was started again: what it had read is gone. */
  forgetRead(): void {
    this.pipeline.forgetRead();
  }

  /** A suggestion at the cursor, which the user asks for where none is shown. */
  async trigger(): Promise<void> {
    this.pipeline.hide();
    await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
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
    const quiet = isManual ? null : this.quiet(document, position, completion);
    if (quiet) {
      this.noteQuiet(document, position, quiet);
      return [];
    }
    const selected = request.selectedCompletionInfo;
    const cursor = cursorAt(document, position, selected);
    if (!isManual) this.debounce.keystroke(performance.now());
    this.decodeBudgetMs = completion.decodeBudgetMs;
    try {
      // Saving power nothing is read ahead. No key waits for a model that is being loaded.
      if (this.context.daemon.state.kind === 'ready') this.meet(await this.context.daemon.ready());
      const isSaving = savesPower(completion, this.battery);
      const adaptive = this.debounce.delayMs(cursor.before.slice(-1)) * (isSaving ? SAVING_FACTOR : 1);
      const options: SuggestOptions = {
        isManual,
        multiline: completion.multiline,
        delayMs: completion.debounceMs ?? adaptive,
        isSaving,
        signal: signalOf(token),
      };
      this.askedByHand = isManual ? { document, version: document.version, position } : null;
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

  /**
   * Has the loaded model read what a suggestion at the editor's cursor will need, and write the likeliest, where one may come
   * by itself.
   */
  async readAhead(editor: vscode.TextEditor): Promise<void> {
    const { document } = editor;
    const { completion } = readSettings(document);
    const { kind } = this.context.daemon.state;
    if (kind !== 'ready' || savesPower(completion, this.battery)) return;
    try {
      this.meet(await this.context.daemon.ready());
      const { active, isEmpty } = editor.selection;
      if (!isEmpty || this.quiet(document, active, completion)) return;
      const cursor = cursorAt(document, active);
      const filesFor: FilesFor = async (budget, shown) => {
        const head = document.getText(new vscode.Range(0, 0, HEAD_LINES, 0)).replaceAll('\r\n', '\n');
        const text = ownImports(head, {
          aboveChars: document.offsetAt(active),
          shown,
          budgetChars: budget,
          isKept: this.withImports.has(document),
        });
        if (text !== '') this.withImports.add(document);
        const others = await this.around.filesFor(
          document,
          active,
          { cursor, shown: text + shown },
          budget - text.length,
        );
        // They change least, so they come first.
        return text === '' ? others : [{ path: cursor.path, text }, ...others];
      };
      await this.pipeline.readAhead(cursor, filesFor, completion.multiline);
    } catch (error) {
      this.fail(error, false);
    }
  }

  /** Why a suggestion that nobody asked for is not welcome; null: it is. */
  private quiet(
    document: vscode.TextDocument,
    { line }: vscode.Position,
    settings: Settings['completion'],
  ): Quiet | null {
    const reason = quietIn(document, settings, this.snooze);
    if (reason) return reason;
    if (settings.trigger === 'manual') return 'completions come only by hand';
    if (document.lineAt(line).text.length > LONGEST_LINE) return 'the line is too long';
    if (!this.hasModel()) return 'there is no model';
    const { kind } = this.context.daemon.state;
    if (kind === 'failed') return 'the model could not be started';
    return kind === 'stopped' ? 'the model was stopped' : null;
  }

  private noteQuiet(document: vscode.TextDocument, position: vscode.Position, reason: Quiet): void {
    this.pipeline.log.add({
      path: vscode.workspace.asRelativePath(document.uri, false),
      lineBefore: document.lineAt(position.line).text.slice(0, position.character).slice(-SHOWN_LINE),
      isManual: false,
      ms: 0,
      outcome: { kind: 'silent', reason },
      run: null,
    });
  }

  /**
   * Has the editor ask once more where it shows what was asked for by hand, now that there are others. It keeps its list
   * for a text that has not changed, unless what is shown is hidden first.
   */
  private async askAgain(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const asked = this.askedByHand;
    if (!editor || !asked || editor.document !== asked.document) return;
    if (editor.document.version !== asked.version || !editor.selection.active.isEqual(asked.position)) return;
    await vscode.commands.executeCommand('editor.action.inlineSuggest.hide');
    await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
  }

  /** Sizes prompts for it, if possible before the first one. */
  private meet(model: ModelInfo): void {
    if (this.model === model) return;
    this.model = model;
    this.pipeline.fitTo(model.contextTokens);
    this.pipeline.assumeReadSpeed(this.speeds.of(model));
  }

  private async complete(
    backend: Backend,
    call: CompletionCall,
    hooks: CompletionHooks,
  ): Promise<CompletionAnswer> {
    const model = await this.context.daemon.ready(hooks.signal);
    this.meet(model);
    const started = performance.now();
    const result = await completeBy(backend, this.decodeBudgetMs)(call, hooks);
    const { usage } = result;
    this.speeds.note(model, this.pipeline.readSpeed);
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
