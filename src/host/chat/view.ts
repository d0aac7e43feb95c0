/** The chat view in the sidebar: the page, its bridge, and what the rest of the extension may ask of the chat. */
import { join } from 'node:path';
import * as vscode from 'vscode';
import { webviewMessage } from '../../protocol/webview.ts';
import { Attention } from '../agent/attention.ts';
import type { AgentDesk } from '../agent/desk.ts';
import type { HunkReview } from '../agent/hunk-review.ts';
import { VsCodeAgent } from '../agent/vscode-agent.ts';
import type { HostContext } from '../context.ts';
import { chosenModel, storeHome } from '../models/chosen-model.ts';
import { readSettings, updateSetting } from '../settings.ts';
import type { WorkspaceUse } from '../status/status-page.ts';
import type { AttachmentRequest } from './attachment-request.ts';
import { AttachmentReader } from './attachments.ts';
import { Bridge } from './bridge.ts';
import { insertAtCursor, openAsNewFile, openLink } from './code-blocks.ts';
import { ChatController } from './controller.ts';
import { readLevel } from './level.ts';
import { pageHtml } from './page.ts';
import { readPicker } from './picker.ts';
import { ChatStore } from './store.ts';
import { SuggestionSource } from './suggestions.ts';

const CHAT_VIEW_ID = 'moebius.chat';
const LAST_CHAT_KEY = 'moebius.chat.last';
const OPEN_CONTAINER = 'workbench.view.extension.moebius';
const PAGE_TIMEOUT_MS = 10_000;
/** The page says itself what it knows to be too long; this is for the rest. */
const REFUSED =
  'That was not done: the chat can not take it, e.g. because it is too long. The log says more.';

export interface ChatView {
  /** Shows the view. */
  open(): Promise<void>;
  newChat(): Promise<void>;
  focusInput(): Promise<void>;
  /** Shows the view and sends a message in the shown chat. */
  ask(text: string, attachments?: AttachmentRequest[]): Promise<void>;
  /** A new chat in agent mode, ready to be told what to do. */
  newTask(): Promise<void>;
  /** A new chat in which the agent carries out a task. */
  task(text: string, attachments?: AttachmentRequest[]): Promise<void>;
  readonly agent: AgentDesk;
  readonly review: HunkReview;
  /** What is always allowed in this workspace, to be taken back. */
  showAllowed(): void;
  /** Commands of the agent that run, to be stopped. */
  showRunning(): Promise<void>;
  /** What is kept for this workspace on disk. */
  diskUse(): Promise<WorkspaceUse>;
  /** Shows the view and attaches something to the message being written. */
  attach(request: AttachmentRequest): Promise<void>;
}

export function registerChat(context: HostContext): ChatView {
  const { extension, daemon, backend, log } = context;
  const bridge = new Bridge();
  const storage = extension.storageUri ?? extension.globalStorageUri;
  const store = new ChatStore(join(storage.fsPath, 'chats'));
  const options = () => chatOptions();
  const isReady = () => daemon.state.kind === 'ready';
  const suggestions = new SuggestionSource();
  const reader = new AttachmentReader(
    async text => (isReady() ? (await backend.count({ text })).tokens : null),
    () => chatOptions().attachmentTokens,
    text => bridge.post({ type: 'notify', text }),
  );
  const attention = new Attention();
  const agent = new VsCodeAgent(context, {
    attention,
    onDidChangePolicy: () => controller.agent.postPicker(),
  });
  const controller: ChatController = new ChatController({
    backend,
    agent,
    store,
    model: signal => daemon.ready(signal),
    options,
    daemonState: () => daemon.state,
    post: message => bridge.post(message),
    open: () => open(),
    readAttachment: request => reader.read(request),
    suggest: query => suggestions.suggest(query),
    picker: () => {
      const { id, home } = readSettings().model;
      return readPicker(daemon, options().level, chosenModel(storeHome(home), id));
    },
    lastChat: {
      get: () => extension.workspaceState.get<string>(LAST_CHAT_KEY),
      set: id => void extension.workspaceState.update(LAST_CHAT_KEY, id),
    },
    editor: {
      copy: async text => vscode.env.clipboard.writeText(text),
      insert: insertAtCursor,
      newFile: openAsNewFile,
      openLink,
      chooseModel: async id => vscode.commands.executeCommand('moebius.model.choose', id),
      chooseLevel: async level => updateSetting('chat.level', level),
      run: async action => vscode.commands.executeCommand(ACTION_COMMANDS[action]),
      execute: async command => vscode.commands.executeCommand(command),
      confirmDelete: async title => {
        const choice = await vscode.window.showWarningMessage(
          `Delete the chat "${title}"?`,
          { modal: true, detail: 'This can not be undone.' },
          'Delete',
        );
        return choice === 'Delete';
      },
    },
    warn: (message, cause) => log.warn(message, cause),
  });

  let shown: vscode.WebviewView | null = null;
  const provider: vscode.WebviewViewProvider = {
    resolveWebviewView(view) {
      shown = view;
      attention.show(view);
      const dist = vscode.Uri.joinPath(extension.extensionUri, 'dist');
      const media = vscode.Uri.joinPath(extension.extensionUri, 'media');
      view.webview.options = { enableScripts: true, localResourceRoots: [dist, media] };
      view.webview.onDidReceiveMessage(async (raw: unknown) => {
        const message = webviewMessage.safeParse(raw);
        if (!message.success) {
          log.warn('chat: the page sent a malformed message', message.error.message);
          return bridge.post({ type: 'notify', text: REFUSED });
        }
        if (message.data.type === 'ready') {
          await restored;
          bridge.connect(reply => void view.webview.postMessage(reply));
        }
        await controller.handle(message.data);
        if (message.data.type === 'ready') pageReady.fire();
      });
      view.onDidDispose(() => {
        if (shown === view) {
          shown = null;
          attention.show(null);
        }
        bridge.disconnect();
      });
      // A hidden page is thrown away; it says `ready` when it is back.
      view.onDidChangeVisibility(() => {
        if (!view.visible) bridge.disconnect();
      });
      view.webview.html = pageHtml({
        script: view.webview.asWebviewUri(vscode.Uri.joinPath(dist, 'webview.js')).toString(),
        style: view.webview.asWebviewUri(vscode.Uri.joinPath(dist, 'webview.css')).toString(),
        cspSource: view.webview.cspSource,
        nonce: crypto.randomUUID().replaceAll('-', ''),
      });
    },
  };
  const restored = controller
    .restore()
    .catch(error => log.warn('chat: the last chat can not be read', error));
  const pageReady = new vscode.EventEmitter<void>();
  extension.subscriptions.push(
    controller,
    pageReady,
    agent,
    vscode.workspace.onDidGrantWorkspaceTrust(() => controller.agent.postPicker()),
    vscode.workspace.onDidChangeWorkspaceFolders(() => {
      agent.reopen();
      controller.agent.postPicker();
    }),
    vscode.window.registerWebviewViewProvider(CHAT_VIEW_ID, provider),
    daemon.onDidChangeState(state => {
      controller
        .daemonChanged(state)
        .catch(error => log.warn("chat: the model's state can not be shown", error));
    }),
    vscode.workspace.onDidChangeConfiguration(event => {
      const picks = ['moebius.chat', 'moebius.model.id'];
      if (picks.some(name => event.affectsConfiguration(name))) void controller.refreshPicker();
      if (event.affectsConfiguration('moebius.agent')) controller.agent.postPicker();
    }),
  );

  const open = async () => {
    const ready = bridge.isConnected
      ? null
      : new Promise<void>(resolve => {
          const done = () => {
            once.dispose();
            clearTimeout(timer);
            resolve();
          };
          const once = pageReady.event(done);
          // A page that does not come up must not swallow the question.
          const timer = setTimeout(done, PAGE_TIMEOUT_MS);
        });
    // Not the view's own `moebius.chat.focus`: a command of that name may lead back here.
    if (shown) shown.show();
    else await vscode.commands.executeCommand(OPEN_CONTAINER);
    await ready;
  };
  const focusInput = async () => {
    await open();
    bridge.post({ type: 'focus' });
  };
  return {
    open,
    focusInput,
    async newChat() {
      await restored;
      await controller.newChat(open);
    },
    async ask(text, attachments) {
      await open();
      await controller.ask(text, attachments);
    },
    async newTask() {
      await restored;
      await controller.newTask(open);
    },
    async task(text, attachments) {
      await restored;
      await controller.newTask(open);
      await controller.ask(text, attachments);
    },
    agent: controller.agent,
    review: agent.review,
    showAllowed: () => agent.showAllowed(),
    showRunning: () => agent.showRunning(),
    diskUse: async () => ({ chats: await store.use(), checkpoints: await agent.checkpointUse() }),
    async attach(request) {
      await focusInput();
      await controller.attach(request);
    },
  };
}

const ACTION_COMMANDS = {
  restart: 'moebius.daemon.restart',
  'show-log': 'moebius.daemon.showLog',
  download: 'moebius.model.download',
} as const;

function chatOptions() {
  const settings = vscode.workspace.getConfiguration('moebius.chat');
  return {
    level: readLevel(settings.get('level')),
    maxTokens: settings.get<number>('maxTokens', 2048),
    /** Low: code wants the likely token, and repeatable answers are easier to trust. */
    temperature: settings.get<number>('temperature', 0.2),
    isThinking: settings.get<boolean>('thinking', false),
    /** Largest single attachment. */
    attachmentTokens: settings.get<number>('attachmentTokens', 3000),
  };
}
