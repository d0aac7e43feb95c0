/**
 * A child process for the test of a torn transcript: it works on a task, stores every step as the extension does, and is killed in the
 * middle of a command. Arguments: folder of the chats, workspace.
 */
import { runNative } from '../../src/agent/native.ts';
import type { TranscriptEvent } from '../../src/agent/transcript.ts';
import { ChatStore } from '../../src/host/chat/store.ts';
import { openNodePorts } from '../../src/workspace/node-ports.ts';
import { policyOf } from '../simulate/world.ts';
import { call, scriptedModel } from './scripted-model.ts';

export const CHAT_ID = 'torn-chat';

async function main(chats: string, workspace: string): Promise<void> {
  const store = new ChatStore(chats);
  const record = (event: TranscriptEvent) => store.append(CHAT_ID, event);
  record({ type: 'chat', version: 1, id: CHAT_ID, at: 1, title: 'task' });
  record({ type: 'ask', id: 'q', at: 1, text: 'task', attachments: [] });
  record({ type: 'answer', id: 'a', askId: 'q', at: 1, model: 'm', level: 'exact', promptCounts: [] });
  const ports = await openNodePorts([workspace], `${chats}/checkpoints`);
  await runNative({
    task: 'change a and start the server',
    mode: 'agent',
    backend: scriptedModel([
      call('edit_file', { path: 'a.txt', old_text: 'a', new_text: 'b' }),
      call('run_command', { command: 'node -e "console.log(1); setInterval(() => {}, 1000)"' }),
    ]),
    ports: {
      ...ports,
      approval: { ask: async () => ({ kind: 'once' }) },
      questions: { ask: async () => null },
    },
    ...policyOf('agent'),
    budget: { turns: 9, outputTokens: 1e6, timeMs: 60_000 },
    windowTokens: 16_000,
    turnId: 't',
    sequence: 'chat',
    history: [],
    rules: '',
    context: { openFile: null, attachments: [] },
    checkCommand: null,
    emit(event) {
      record({ type: 'step', id: 'a', event });
      if (event.type !== 'output') return;
      ports.dispose();
      process.kill(process.pid, 'SIGKILL');
    },
    signal: new AbortController().signal,
  });
}

if (require.main === module) void main(process.argv[2]!, process.argv[3]!);
