/**
 * The chat behind the page: which conversation is shown, what is attached to the next message, and what each message
 * of the page does. The editor is behind `ChatPorts`.
 */
import type { AgentMode } from '../../agent/ports.ts';
import { expandPrompt } from '../../agent/prompt-files.ts';
import {
  type Ask,
  type Attachment,
  emptyTranscript,
  findAsk,
  joinAttachments,
  type Transcript,
} from '../../agent/transcript.ts';
import type { Backend } from '../../backends/backend.ts';
import { MoebiusError, toMoebiusError } from '../../base/errors.ts';
import { Mutex } from '../../base/mutex.ts';
import type { ModelInfo } from '../../protocol/daemon.ts';
import type {
  ChatLevel,
  HostMessage,
  Phase,
  Picker,
  Suggestion,
  WebviewMessage,
} from '../../protocol/webview.ts';
import { AgentDesk, type AgentEditor } from '../agent/desk.ts';
import type { DaemonState } from '../context.ts';
import type { AttachmentRequest } from './attachment-request.ts';
import { mentionsOf } from './mentions.ts';
import { ContextMeter } from './meter.ts';
import { phaseOf } from './phase.ts';
import { chipOf } from './rows.ts';
import { sentParts } from './sent-parts.ts';
import { ChatSession, type SessionPorts } from './session.ts';
import { slashCommand, slashSuggestions } from './slash-commands.ts';
import type { ChatStore } from './store.ts';

export interface ChatPorts {
  backend: Backend;
  store: ChatStore;
  model(signal: AbortSignal): Promise<ModelInfo>;
  options: SessionPorts['options'];
  daemonState(): DaemonState;
  post(message: HostMessage): void;
  /** Brings the page into view, and waits until it is there. */
  open(): Promise<void>;
  readAttachment(request: AttachmentRequest): Promise<Attachment[]>;
  suggest(query: string): Promise<Suggestion[]>;
  picker(): Promise<Picker>;
  /** Storage that outlives a reload: the chat shown last. */
  lastChat: { get(): string | undefined; set(id: string): void };
  editor: {
    copy(text: string): Promise<void>;
    insert(text: string): Promise<void>;
    newFile(text: string, language: string): Promise<void>;
    openLink(href: string): Promise<void>;
    chooseModel(id: string): Promise<void>;
    chooseLevel(level: ChatLevel): Promise<void>;
    run(action: 'restart' | 'show-log' | 'download'): Promise<void>;
    /** A command of VS Code's. */
    execute(command: string): Promise<void>;
    confirmDelete(title: string): Promise<boolean>;
  };
  agent: AgentEditor;
  warn(message: string, cause: unknown): void;
}

export class ChatController {
  readonly #ports: ChatPorts;
  readonly #meter: ContextMeter;
  /** What the user does about the agent's work. */
  readonly agent: AgentDesk;
  /** The shown chat, and others that are still being answered. */
  readonly #sessions = new Map<string, ChatSession>();
  #current: ChatSession;
  /** Chats that messages are on their way to, one entry a message: they stay, whichever is shown meanwhile. */
  readonly #awaiting: ChatSession[] = [];
  /** What attaches to the message being written and what sends it: each finds what those before it left. */
  readonly #inOrder = new Mutex();
  #draftText = '';
  #draft: Attachment[] = [];
  #historyQuery = '';
  #hasStorageFailed = false;
  /** What the daemon was said to be when the picker was filled. */
  #daemonKnown = '';

  constructor(ports: ChatPorts) {
    this.#ports = ports;
    this.#current = this.#session(emptyTranscript(crypto.randomUUID(), Date.now()));
    this.agent = new AgentDesk(
      ports.agent,
      () => this.#current,
      ports.post,
      ask => this.#giveBack(ask),
    );
    this.#meter = new ContextMeter({
      count: params => ports.backend.count(params),
      // Of a task for the agent only an estimate is possible.
      canCount: () =>
        ports.daemonState().kind === 'ready' && !this.#current.isBusy && ports.agent.mode() === 'ask',
      messages: () => this.#current.draftMessages(this.#draftText, this.#draft),
      windowTokens: () => this.#current.windowTokens,
      reusedTokens: () => this.#current.reusedTokens,
      show: meter => ports.post({ type: 'meter', meter }),
    });
  }

  dispose(): void {
    this.#meter.dispose();
    for (const session of this.#sessions.values()) session.dispose();
  }

  /** Shows the chat of before the reload, if it still exists. */
  async restore(): Promise<void> {
    const id = this.#ports.lastChat.get();
    if (id && this.#current.transcript.entries.length === 0) await this.#open(id);
    await this.#prune();
  }

  /** Sends the page everything it shows. */
  async show(): Promise<void> {
    const { id, title } = this.#current.transcript;
    const rows = this.#current.rows();
    const draftChips = this.#draft.map(chipOf);
    this.#ports.post({ type: 'open', chatId: id, title, rows, draftChips, phase: this.#phase() });
    this.agent.postPicker();
    await this.refreshPicker();
    await this.#learnWindow();
  }

  /** `open` brings the page into view. What is written there meanwhile stands in the new chat. */
  async newChat(open = async () => {}): Promise<void> {
    if (this.#current.transcript.entries.length > 0 || this.#awaiting.includes(this.#current)) {
      this.#switchTo(this.#session(emptyTranscript(crypto.randomUUID(), Date.now())));
    }
    await open();
    await this.show();
    this.#ports.post({ type: 'focus' });
  }

  /** @throws MoebiusError `unsupported` where the agent can't work, e.g. in Restricted Mode */
  async newTask(open?: () => Promise<void>): Promise<void> {
    await this.agent.chooseMode('agent');
    await this.newChat(open);
  }

  /** Sends a message as if the user had typed it. If what it is about is refused, that is reported and nothing is sent. */
  async ask(text: string, requests: AttachmentRequest[] = []): Promise<void> {
    const read = await Promise.all(requests.map(request => this.#read(request)));
    if (read.every(attachments => attachments.length > 0)) this.#current.send(text, read.flat());
  }

  async attach(request: AttachmentRequest): Promise<void> {
    const reading = this.#read(request);
    // A file dialog may stay open for long: what is sent meanwhile does not wait for it.
    if (request.kind === 'pick') await reading;
    await this.#inOrder.run(async () => this.#setDraft(joinAttachments(this.#draft, await reading)));
  }

  /** The daemon's state changed: the phase line and perhaps the models did. */
  async daemonChanged(state: DaemonState): Promise<void> {
    this.#postPhase();
    // At work it tells several times a second how far it is, with the same model.
    const known = `${state.kind} ${'model' in state ? state.model : ''}`;
    if (known === this.#daemonKnown) return;
    this.#daemonKnown = known;
    if (state.kind === 'ready' || state.kind === 'no-model' || state.kind === 'failed')
      await this.refreshPicker();
    await this.#learnWindow();
  }

  /** The meter needs the window of the loaded model. Asked only when that is ready, so that nothing is loaded for it. */
  async #learnWindow(): Promise<void> {
    if (this.#ports.daemonState().kind !== 'ready') return;
    const model = await this.#ports.model(new AbortController().signal);
    this.#current.windowTokens = model.contextTokens;
    this.#meter.touch();
  }

  async refreshPicker(): Promise<void> {
    this.#ports.post({ type: 'picker', picker: await this.#ports.picker() });
  }

  /** Does what the page asks. Failures are told to the user, never thrown. */
  async handle(message: WebviewMessage): Promise<void> {
    try {
      await this.#handle(message);
    } catch (thrown) {
      const error = toMoebiusError(thrown);
      if (error.code === 'internal') this.#ports.warn(`chat: ${message.type} failed`, thrown);
      this.#ports.post({ type: 'notify', text: error.message });
    }
  }

  async #handle(message: WebviewMessage): Promise<void> {
    const { editor } = this.#ports;
    switch (message.type) {
      case 'ready':
        return this.show();
      case 'send':
        return this.#send(message.text);
      case 'stop':
        return this.#current.stop();
      case 'regenerate':
        return this.#regenerate(message.id);
      case 'edit':
        return this.#edit(message.id, message.text);
      case 'unqueue':
        return this.#current.unqueue(message.id);
      case 'sendUnsent':
        return this.#current.sendUnsent(message.id);
      case 'newChat':
        return this.newChat();
      case 'openChat':
        await this.#open(message.id);
        return this.show();
      case 'deleteChat':
        return this.#delete(message.id);
      case 'history':
        this.#historyQuery = message.query;
        return this.#postHistory();
      case 'suggest':
        this.#ports.post({
          type: 'suggest',
          requestId: message.requestId,
          items:
            message.list === 'slash'
              ? slashSuggestions(message.query, await this.#ports.agent.prompts())
              : await this.#ports.suggest(message.query),
        });
        return;
      case 'attach':
        return this.attach(requestOf(message));
      case 'drop':
        return this.attach({ kind: 'dropped', uris: message.uris });
      case 'detach':
        return this.#setDraft(this.#draft.filter(attachment => attachment.id !== message.id));
      case 'draft':
        this.#draftText = message.text;
        return this.#meter.touch();
      case 'copy':
        return editor.copy(message.text);
      case 'insert':
        return editor.insert(message.text);
      case 'newFile':
        return editor.newFile(message.text, message.language);
      case 'openLink':
        return editor.openLink(message.href);
      case 'chooseModel':
        return editor.chooseModel(message.id);
      case 'chooseLevel':
        await editor.chooseLevel(message.level);
        return this.refreshPicker();
      case 'sent': {
        const parts = sentParts(this.#current.transcript, message.id);
        this.#ports.post({ type: 'sent', id: message.id, parts });
        return;
      }
      case 'action':
        return message.action === 'new-chat' ? this.newChat() : editor.run(message.action);
      default:
        await this.agent.handle(message);
        // Another mode sends other messages.
        return this.#meter.touch();
    }
  }

  async #send(text: string): Promise<void> {
    if (text.trim() === '') return;
    const command = slashCommand(text);
    if (command) return this.#ports.editor.execute(command.command);
    // The chat and the mode in which it was written: others may be chosen when all that it speaks of is read.
    const session = this.#current;
    const mode = this.#ports.agent.mode();
    this.#draftText = '';
    this.#awaiting.push(session);
    await this.#inOrder.run(() => this.#deliver(session, text, mode));
  }

  /** @throws MoebiusError when the message could not be sent; it is back in the input then, with what was attached */
  async #deliver(session: ChatSession, text: string, mode: AgentMode): Promise<void> {
    const attachments = this.#draft;
    this.#setDraft([]);
    try {
      const { mentioned, expanded } = await this.#meaningOf(text);
      this.#refuseDeleted(session);
      session.send(text, joinAttachments(attachments, mentioned), expanded, mode);
    } catch (thrown) {
      // Sent without what it speaks of, the message would mislead.
      await this.#giveBack({ text, attachments });
      throw thrown;
    } finally {
      this.#awaiting.splice(this.#awaiting.indexOf(session), 1);
      this.#forgetIdle(session);
    }
  }

  /** @throws MoebiusError `not-found` where the chat is gone by now: what it would be asked is answered for nobody */
  #refuseDeleted(session: ChatSession): void {
    if (this.#sessions.get(session.transcript.id) !== session)
      throw new MoebiusError('not-found', 'The chat was deleted before this message could be sent.');
  }

  /** What a message speaks of and did not `before` it was edited, and what it stands for. */
  async #meaningOf(text: string, before = ''): Promise<{ mentioned: Attachment[]; expanded: string | null }> {
    const mentioned: Attachment[] = [];
    for (const mention of mentionsOf(text, before)) {
      try {
        const request: AttachmentRequest = mention.kind === 'file' ? { ...mention, kind: 'path' } : mention;
        mentioned.push(...(await this.#ports.readAttachment(request)));
      } catch (thrown) {
        // A word after `@` that is no file is just a word.
        if (mention.kind !== 'file' || toMoebiusError(thrown).code !== 'not-found') throw thrown;
      }
    }
    return { mentioned, expanded: await this.#expanded(text) };
  }

  /** @throws MoebiusError `bad-request` when something stands after it: only who edits a message says that what follows may go */
  async #regenerate(id: string): Promise<void> {
    const session = this.#current;
    if (!session.isLast(id)) {
      const text =
        'Only the last answer can be written again. To go back to an earlier one, edit its message.';
      throw new MoebiusError('bad-request', text);
    }
    if (await this.agent.beforeReplacing(session, id)) session.regenerate(id);
  }

  async #edit(id: string, text: string): Promise<void> {
    const session = this.#current;
    const ask = findAsk(session.transcript, id);
    const mode = this.#ports.agent.mode();
    let isSent = false;
    this.#awaiting.push(session);
    try {
      const { mentioned, expanded } = await this.#meaningOf(text, ask?.text);
      this.#refuseDeleted(session);
      const isReplacing = ask !== undefined && (await this.agent.beforeReplacing(session, id));
      this.#refuseDeleted(session);
      if (isReplacing) session.edit(id, text, mentioned, expanded, mode);
      isSent = isReplacing;
    } finally {
      // Where it was written is closed by now.
      if (!isSent) await this.#returnText(text);
      this.#awaiting.splice(this.#awaiting.indexOf(session), 1);
      this.#forgetIdle(session);
    }
  }

  /** Prompt files and skills are read when they are sent, and what was read is stored: the message stays what it was. */
  async #expanded(text: string): Promise<string | null> {
    return text.trimStart().startsWith('/') ? expandPrompt(text, await this.#ports.agent.prompts()) : null;
  }

  async #read(request: AttachmentRequest): Promise<Attachment[]> {
    try {
      return await this.#ports.readAttachment(request);
    } catch (thrown) {
      this.#ports.post({ type: 'notify', text: toMoebiusError(thrown).message });
      return [];
    }
  }

  async #giveBack({ text, attachments }: Pick<Ask, 'text' | 'attachments'>): Promise<void> {
    this.#setDraft(joinAttachments(attachments, this.#draft));
    await this.#returnText(text);
  }

  /** Into the input, which is the page's: while there is none, what is sent to it is dropped. */
  async #returnText(text: string): Promise<void> {
    await this.#ports.open();
    this.#ports.post({ type: 'draft', text });
  }

  #setDraft(attachments: Attachment[]): void {
    this.#draft = attachments;
    this.#ports.post({ type: 'chips', chips: attachments.map(chipOf) });
    this.#meter.touch();
  }

  #session(transcript: Transcript): ChatSession {
    const session: ChatSession = new ChatSession(transcript, {
      backend: this.#ports.backend,
      model: signal => this.#ports.model(signal),
      options: () => this.#ports.options(),
      agent: this.#ports.agent,
      chat: { isShown: () => session === this.#current, show: () => this.#reveal(transcript.id) },
      newId: () => crypto.randomUUID(),
      store: event => {
        try {
          this.#ports.store.append(transcript.id, event);
        } catch (error) {
          this.#storageFailed(error);
        }
        if (event.type !== 'chat') return;
        if (session === this.#current) this.#ports.lastChat.set(event.id);
        void this.#prune();
      },
      post: message => {
        if (session === this.#current) this.#ports.post(message);
      },
      onPhase: phase => {
        if (session === this.#current) this.#postPhase();
        if (phase.kind !== 'idle') return;
        if (session === this.#current) this.#meter.touch();
        else this.#forgetIdle(session);
      },
    });
    this.#sessions.set(transcript.id, session);
    return session;
  }

  /** One more chat: the oldest may have to go. */
  async #prune(): Promise<void> {
    await this.#ports.store
      .prune(id => this.#sessions.has(id))
      .catch(error => this.#ports.warn('chat: old chats can not be deleted', error));
  }

  #storageFailed(error: unknown): void {
    this.#ports.warn('chat: the history can not be written', error);
    if (this.#hasStorageFailed) return;
    this.#hasStorageFailed = true;
    const text = `This chat is not saved: ${toMoebiusError(error).message}`;
    this.#ports.post({ type: 'notify', text });
  }

  #switchTo(session: ChatSession): void {
    const before = this.#current;
    session.windowTokens ??= before.windowTokens;
    this.#current = session;
    this.#sessions.set(session.transcript.id, session);
    this.#ports.lastChat.set(session.transcript.id);
    this.#forgetIdle(before);
  }

  /** A chat that is not shown, not answered and not written to is read from the disk when it is opened again. */
  #forgetIdle(session: ChatSession): void {
    if (session === this.#current || session.isBusy || this.#awaiting.includes(session)) return;
    this.#sessions.delete(session.transcript.id);
  }

  async #open(id: string): Promise<void> {
    const running = this.#sessions.get(id);
    if (running) return this.#switchTo(running);
    const transcript = await this.#ports.store.load(id);
    if (transcript) this.#switchTo(this.#session(transcript));
  }

  /** Brings a chat into view, whichever was shown there. */
  async #reveal(id: string): Promise<void> {
    await this.#ports.open();
    if (id === this.#current.transcript.id) return;
    await this.#open(id);
    await this.show();
  }

  async #delete(id: string): Promise<void> {
    const entry = (await this.#ports.store.list()).find(chat => chat.id === id);
    if (!entry || !(await this.#ports.editor.confirmDelete(entry.title))) return;
    this.#sessions.get(id)?.dispose();
    this.#sessions.delete(id);
    if (this.#current.transcript.id === id) {
      this.#current = this.#session(emptyTranscript(crypto.randomUUID(), Date.now()));
      await this.show();
    }
    await this.#ports.store.delete(id);
    await this.#postHistory();
  }

  async #postHistory(): Promise<void> {
    const query = this.#historyQuery;
    const chats = await this.#ports.store.list(query);
    // The search for an earlier letter may end after that for a later one.
    if (query === this.#historyQuery) this.#ports.post({ type: 'history', chats });
  }

  #phase(): Phase {
    return phaseOf(this.#current.phase, this.#ports.daemonState());
  }

  #postPhase(): void {
    this.#ports.post({ type: 'phase', phase: this.#phase() });
  }
}

/** What the page wants attached. */
function requestOf({
  kind,
  path = '',
  line = 1,
}: Extract<WebviewMessage, { type: 'attach' }>): AttachmentRequest {
  if (kind === 'symbol') return { kind, path, line };
  return kind === 'file' || kind === 'folder' ? { kind: 'path', path } : { kind };
}
