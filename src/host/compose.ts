/**
 * Puts the extension together. What is registered here lives as long as the extension; the daemon's process, its
 * connection and sequences live and die inside the supervisor.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { LocalBackend } from '../backends/local.ts';
import { monotonicClock } from '../base/clock.ts';
import { Snooze } from '../completion/snooze.ts';
import { Grammars } from '../completion/syntax/grammars.ts';
import type { MoebiusApi } from './api.ts';
import { createApi } from './api.ts';
import { Battery, savesPower } from './battery.ts';
import { registerChat } from './chat/view.ts';
import { CodeActions } from './code/code-actions.ts';
import { agentCommands } from './commands/agent-commands.ts';
import { askCommands } from './commands/ask-commands.ts';
import { registerCommands } from './commands/command-table.ts';
import { commitCommand } from './commands/commit-command.ts';
import { completionCommands } from './commands/completion-commands.ts';
import { editCommands } from './commands/edit-commands.ts';
import { modelCommands } from './commands/model-commands.ts';
import { reviewCommands } from './commands/review-commands.ts';
import { serviceCommands } from './commands/service-commands.ts';
import { CompletionContext } from './completion-context.ts';
import { GhostTextProvider } from './completion-provider.ts';
import type { HostContext } from './context.ts';
import { spawnDaemon } from './daemon/spawn.ts';
import { Supervisor } from './daemon/supervisor.ts';
import { InlineEdits } from './edits/inline-edit.ts';
import { ModelProvider } from './lm/model-provider.ts';
import { registerParticipant } from './lm/participant.ts';
import { onModelGone } from './model-change.ts';
import { chosenModel, storeHome } from './models/chosen-model.ts';
import { offerModel } from './models/offer.ts';
import { NextEdits } from './next-edit/next-edits.ts';
import { Pages } from './pages.ts';
import { watchEditors } from './read-ahead.ts';
import { readSettings } from './settings.ts';
import { watchSettings } from './settings-watch.ts';
import { StatusBar } from './status/status-bar.ts';

export interface Composition {
  api: MoebiusApi;
  /** Ends the daemon; what is registered is disposed of by the editor. */
  stop(): Promise<void>;
}

export function compose(extension: vscode.ExtensionContext): Composition {
  const { subscriptions } = extension;
  const log = vscode.window.createOutputChannel('Moebius', { log: true });
  const daemonLog = vscode.window.createOutputChannel('Moebius daemon', { log: true });
  const version = String(extension.extension.packageJSON.version);
  const model = () => {
    const { id, home } = readSettings().model;
    return chosenModel(storeHome(home), id);
  };

  const supervisor = new Supervisor({
    spawn: () => {
      const { model, engine } = readSettings();
      return spawnDaemon({
        script: join(extension.extensionPath, 'dist', 'daemon.js'),
        env: {
          MOEBIUS_HOME: storeHome(model.home),
          MOEBIUS_KV_MEGABYTES: String(engine.savedMegabytes),
        },
      });
    },
    settings: () => {
      const { threads, contextTokens } = readSettings().engine;
      return { model: model(), contextTokens, ...(threads && { threads }) };
    },
    clock: monotonicClock,
    clientName: `vscode-moebius ${version}`,
    log: (level, message) => daemonLog[level](message),
  });
  const backend = new LocalBackend(signal => supervisor.connect(signal));
  const grammars = new Grammars(
    file => readFile(join(extension.extensionPath, 'dist', 'grammars', file)),
    error =>
      log.warn(
        `No grammar, so ghost text ends by indentation and the agent overlooks syntax errors: ${error.message}`,
      ),
  );
  const context: HostContext = { extension, daemon: supervisor, backend, grammars, log };

  const chat = registerChat(context);
  const edits = new InlineEdits(chat.review);
  const pages = new Pages();
  const comments = vscode.comments.createCommentController('moebius.review', 'Moebius Review');
  const snooze = new Snooze(monotonicClock);
  const battery = new Battery();
  const around = new CompletionContext();
  const ghostText = new GhostTextProvider(context, () => model() !== null, snooze, battery, around, grammars);
  const nextEdits = new NextEdits(
    () => {
      const isWelcome = supervisor.state.kind === 'ready' && !savesPower(readSettings().completion, battery);
      return isWelcome ? backend : null;
    },
    snooze,
    grammars,
  );
  const status = new StatusBar(supervisor, snooze);
  const commands = {
    ...askCommands(chat),
    ...agentCommands(chat),
    ...editCommands(context, edits),
    ...commitCommand(context),
    ...reviewCommands(context, comments),
    ...modelCommands(context, pages),
    ...completionCommands(ghostText, nextEdits, snooze, pages),
    ...serviceCommands(context, daemonLog, pages, chat),
  };
  subscriptions.push(
    log,
    daemonLog,
    edits,
    pages,
    comments,
    snooze,
    around,
    nextEdits,
    status,
    registerCommands(commands, log),
    vscode.languages.registerInlineCompletionItemProvider('*', ghostText),
    watchEditors(supervisor, editor => void ghostText.readAhead(editor)),
    vscode.languages.registerCodeActionsProvider('*', new CodeActions(), {
      providedCodeActionKinds: CodeActions.kinds,
    }),
    vscode.lm.registerLanguageModelChatProvider('moebius', new ModelProvider(context)),
    registerParticipant(context),
    watchSettings(supervisor, () => ghostText.forget()),
    onModelGone(supervisor, () => ghostText.forgetRead()),
  );
  subscriptions.push(vscode.workspace.onDidGrantWorkspaceTrust(() => void load(context, model)));
  void begin(context, model);
  return { api: createApi(backend, version), stop: () => supervisor.stop() };
}

/** What happens without being asked for: a model is loaded if there is one, and offered once if there is none. */
async function begin(context: HostContext, model: () => string | null): Promise<void> {
  if (model() === null) return offerModel(context);
  // VS Code's chat picks a model only among those that somebody has asked for.
  vscode.lm.selectChatModels({ vendor: 'moebius' }).then(undefined, error => context.log.warn(error));
  await load(context, model);
}

/** In a folder that is trusted, if that is to happen unasked. */
async function load({ daemon, log }: HostContext, model: () => string | null): Promise<void> {
  const isWelcome = vscode.workspace.isTrusted && readSettings().daemon.startsOnActivation;
  if (isWelcome && model() !== null)
    await daemon.ready().catch(error => log.warn(`The model was not loaded: ${error.message}`));
}
