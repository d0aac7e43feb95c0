/** The controller of a chat with the page it talks to, without an editor. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signal } from '@preact/signals';
import type { Attachment } from '../../../src/agent/transcript.ts';
import { MoebiusError } from '../../../src/base/errors.ts';
import type { AttachmentRequest } from '../../../src/host/chat/attachment-request.ts';
import { ChatController } from '../../../src/host/chat/controller.ts';
import { ChatStore } from '../../../src/host/chat/store.ts';
import type { HostMessage, WebviewMessage } from '../../../src/protocol/webview.ts';
import { applyMessage, createState } from '../../../src/webview/state.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import { modelInfo, type Script, ScriptedBackend, until } from './support.ts';

/** What outlives a restart of the host. */
interface Stored {
  folder: string;
  /** The chat that was shown last. */
  last: { id?: string };
}

/** A folder of its own for each test; a second controller is one after a restart. */
export function storedChats() {
  const stored: Stored = { folder: '', last: {} };
  beforeEach(() => {
    stored.folder = mkdtempSync(join(tmpdir(), 'moebius-chat-'));
    stored.last = {};
  });
  afterEach(() => rmSync(stored.folder, { recursive: true }));
  return { stored, open: (script: Script, read = readFixed) => openController(stored, script, read) };
}

function openController({ folder, last }: Stored, script: Script, read: typeof readFixed) {
  const page = createState();
  const isConnected = signal(true);
  const done: string[] = [];
  const pickers = { filled: 0 };
  const backend = new ScriptedBackend(script);
  const store = new ChatStore(folder);
  const agent = new ScriptedAgent(async () => 'done');
  agent.shownMode = 'ask';
  const note = (what: string) => async (detail?: unknown) => {
    done.push(detail === undefined ? what : `${what} ${detail}`);
  };
  const controller = new ChatController({
    backend,
    store,
    model: async () => modelInfo(8192),
    options: () => ({ level: 'exact', maxTokens: 100, temperature: 0, isThinking: false }),
    daemonState: () => ({ kind: 'ready', model: 'tiny', status: null }),
    post: (message: HostMessage) => {
      // Through JSON, as on the real way.
      if (isConnected.value) applyMessage(page, JSON.parse(JSON.stringify(message)) as HostMessage);
    },
    open: async () => {
      if (isConnected.value) return;
      isConnected.value = true;
      await say({ type: 'ready' });
    },
    readAttachment: read,
    suggest: async query => [{ kind: 'file', label: query, detail: '', path: query }],
    picker: async () => {
      pickers.filled++;
      return { models: [], current: null, levels: [], level: 'exact', download: null };
    },
    lastChat: {
      get: () => last.id,
      set: id => {
        last.id = id;
      },
    },
    editor: {
      copy: note('copy'),
      insert: note('insert'),
      newFile: note('newFile'),
      openLink: note('openLink'),
      chooseModel: note('chooseModel'),
      chooseLevel: note('chooseLevel'),
      run: note('run'),
      execute: note('execute'),
      confirmDelete: async () => true,
    },
    agent,
    warn: message => done.push(message),
  });
  const say = (message: WebviewMessage) => controller.handle(message);
  const isIdle = () => page.phase.value.kind === 'idle' && page.items.value.length > 1;
  const idle = () => until(isIdle);
  return { page, controller, say, done, pickers, backend, store, agent, isConnected, idle };
}

export const readFixed = async (request: AttachmentRequest): Promise<Attachment[]> => {
  if (request.kind === 'path' && request.path.startsWith('no/'))
    throw new MoebiusError('not-found', 'no such file');
  if (request.kind === 'selection') throw new MoebiusError('not-found', 'Nothing is selected.');
  const label = request.kind === 'path' ? request.path : request.kind;
  return [{ id: label, kind: 'file', label, language: '', text: `text of ${label}`, tokens: 4, cut: null }];
};

/** What the page shows, as text. */
export const shown = ({ items }: ReturnType<typeof createState>) =>
  items.value.map(item => (item.kind === 'answer' ? item.stream.text : item.row.value.text));
