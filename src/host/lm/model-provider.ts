/** Offers the installed models to VS Code's own chat and to other extensions, as the vendor `moebius`. */
import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { openStore } from '../../models/store.ts';
import { levelFor } from '../chat/level.ts';
import type { HostContext } from '../context.ts';
import { storeHome } from '../models/chosen-model.ts';
import { firstVariants, readyWith } from '../models/model-in-use.ts';
import { signalOf } from '../report.ts';
import { readSettings } from '../settings.ts';
import { toChatMessages, withSystemText } from './messages.ts';
import { describeTools, readAnswer, settledLength } from './tool-calls.ts';
import { windowShares } from './window-shares.ts';

/** For counting while no model is loaded: starting one for an estimate would be out of proportion. */
const CHARS_PER_TOKEN = 3.5;

export class ModelProvider implements vscode.LanguageModelChatProvider {
  private readonly context: HostContext;
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeLanguageModelChatInformation = this.changed.event;

  constructor(context: HostContext) {
    this.context = context;
    let shown: string | null = null;
    context.extension.subscriptions.push(
      this.changed,
      context.daemon.onDidChangeState(state => {
        if (state.kind !== 'ready' || state.model === shown) return;
        shown = state.model;
        this.changed.fire();
      }),
    );
  }

  async provideLanguageModelChatInformation(): Promise<vscode.LanguageModelChatInformation[]> {
    const { model, engine } = readSettings();
    const store = await openStore(storeHome(model.home));
    const models = firstVariants(await store.list()).filter(one => one.capabilities.chat);
    return models.map(({ id, name, manifest }) => ({
      id,
      name,
      family: 'moebius',
      version: manifest.createdBy,
      tooltip: 'Runs on this machine; nothing leaves it.',
      detail: 'local',
      ...windowShares(Math.min(engine.contextTokens, manifest.dims.trainedContext)),
      capabilities: { toolCalling: true },
    }));
  }

  async provideLanguageModelChatResponse(
    model: vscode.LanguageModelChatInformation,
    messages: readonly vscode.LanguageModelChatRequestMessage[],
    options: vscode.ProvideLanguageModelChatResponseOptions,
    progress: vscode.Progress<vscode.LanguageModelResponsePart>,
    token: vscode.CancellationToken,
  ): Promise<void> {
    const signal = signalOf(token);
    const { daemon, backend } = this.context;
    const loaded = await readyWith(daemon, model.id, signal);
    const tools = options.tools ?? [];
    let written = '';
    let shown = 0;
    const show = (text: string): void => {
      if (text !== '') progress.report(new vscode.LanguageModelTextPart(text));
    };
    const result = await backend.generate(
      {
        messages: withSystemText(toChatMessages(messages), describeTools(tools)),
        maxTokens: model.maxOutputTokens,
        temperature: 0.2,
        level: levelFor(readSettings().chat.level, loaded),
        sequence: 'lm',
      },
      {
        signal,
        onEvent: event => {
          if (event.type !== 'text') return;
          written += event.text;
          const settled = tools.length === 0 ? written.length : settledLength(written);
          show(written.slice(shown, settled));
          shown = Math.max(shown, settled);
        },
      },
    );
    for (const part of readAnswer(result.text.slice(shown), tools)) {
      if (part.kind === 'text') show(part.text);
      else progress.report(new vscode.LanguageModelToolCallPart(randomUUID(), part.name, part.input));
    }
  }

  async provideTokenCount(
    _model: vscode.LanguageModelChatInformation,
    text: string | vscode.LanguageModelChatRequestMessage,
  ): Promise<number> {
    const counted = typeof text === 'string' ? text : (toChatMessages([text])[0]?.content ?? '');
    if (this.context.daemon.state.kind !== 'ready') return Math.ceil(counted.length / CHARS_PER_TOKEN);
    return (await this.context.backend.count({ text: counted })).tokens;
  }
}
