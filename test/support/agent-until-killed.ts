/**
 * A child process for the test of a torn transcript: it works on a task, stores every step as the extension does, and is killed in the
 * middle of a command, behind an edit. Arguments: folder of the chats, workspace, profile.
 */
import type { AgentOptions, AgentProfile } from '../../src/agent/agent.ts';
import { runAgent } from '../../src/agent/run.ts';
import type { TranscriptEvent } from '../../src/agent/transcript.ts';
import { ChatStore } from '../../src/host/chat/store.ts';
import { openNodePorts } from '../../src/workspace/node-ports.ts';
import { policyOf } from '../simulate/world.ts';
import { call, scriptedModel } from './scripted-model.ts';

export const CHAT_ID = 'torn-chat';

type Task = Pick<AgentOptions, 'task' | 'backend' | 'checkCommand'>;
const TASKS: Record<AgentProfile, () => Task> = {
  native: () => ({
    task: 'change a and start the server',
    backend: scriptedModel([
      call('edit_file', { path: 'a.txt', old_text: 'a', new_text: 'b' }),
      call('run_command', { command: 'node -e "console.log(1); setInterval(() => {}, 1000)"' }),
    ]),
    checkCommand: null,
  }),
  guided: () => ({
    task: 'Let a.js export 2.',
    backend: scriptedModel(['```js\nmodule.exports = 3;\n```']),
    checkCommand: 'node check.js',
  }),
};

async function main(chats: string, workspace: string, profile: AgentProfile): Promise<void> {
  const store = new ChatStore(chats);
  const record = (event: TranscriptEvent) => store.append(CHAT_ID, event);
  record({ type: 'chat', version: 1, id: CHAT_ID, at: 1, title: 'task' });
  const task = TASKS[profile]();
  record({ type: 'ask', id: 'q', at: 1, text: task.task, attachments: [] });
  record({ type: 'answer', id: 'a', askId: 'q', at: 1, model: 'm', level: 'exact', promptCounts: [] });
  const ports = await openNodePorts([workspace], `${chats}/checkpoints`);
  let isChanged = false;
  await runAgent(profile, {
    ...task,
    mode: 'agent',
    ports: {
      ...ports,
      approval: { ask: async () => ({ kind: 'once' }) },
      questions: { ask: async () => null },
    },
    ...policyOf('agent'),
    budget: { turns: 9, outputTokens: 1e6, timeMs: 60_000 },
    windowTokens: 16_000,
    turnId: 'a',
    sequence: 'chat',
    history: [],
    rules: '',
    context: { openFile: null, attachments: [] },
    emit(event) {
      record({ type: 'step', id: 'a', event });
      isChanged ||= event.type === 'result' && event.changes.length > 0;
      if (event.type !== 'output' || !isChanged) return;
      ports.dispose();
      process.kill(process.pid, 'SIGKILL');
    },
    signal: new AbortController().signal,
  });
}

if (require.main === module) void main(process.argv[2]!, process.argv[3]!, process.argv[4] as AgentProfile);
