/** The guided profile played against scripted answers over files in memory. */
import type { AgentOptions, AgentOutcome } from '../../../../src/agent/agent.ts';
import type { Gap } from '../../../../src/agent/guided/line-mends.ts';
import { runGuided } from '../../../../src/agent/guided/run.ts';
import type { AgentEvent } from '../../../../src/agent/ports.ts';
import { ScriptedBackend } from '../../../../src/backends/scripted.ts';
import { MoebiusError } from '../../../../src/base/errors.ts';
import type { ChatMessage } from '../../../../src/protocol/daemon.ts';
import { ALLOW_ALL, type Files, memoryPorts, type World } from '../../../support/memory-ports.ts';
import { promptsOf } from '../../../support/scripted-model.ts';

export const WRONG = 'export function add(a, b) {\n  return a - b;\n}\n';
export const RIGHT = 'export function add(a, b) {\n  return a + b;\n}\n';
export const WORSE = 'export function add(a, b) {\n  throw a;\n}\n';
export const TEST = "import { add } from './math.js';\ntest('adds', () => {\n  equal(add(1, 2), 3);\n});\n";
export const block = (code: string): string => `\`\`\`js\n${code}\`\`\``;

/** Two tests: one passes unless the code throws, the other when it adds. */
export const addsUp: NonNullable<World['run']> = async (_, files) => {
  const code = files.get('math.js')!;
  const passed = code.includes('throw') ? 0 : code.includes('a + b') ? 2 : 1;
  const failure = passed < 2 ? 'not ok 2 - adds\n  error: -1 !== 3\n  at file:///x/math.test.js:3:3\n' : '';
  return { output: `${failure}# pass ${passed}\n# fail ${2 - passed}\n`, exitCode: passed === 2 ? 0 : 1 };
};

export interface Played {
  outcome: AgentOutcome;
  files: Files;
  events: AgentEvent[];
  prompts: ChatMessage[][];
  backend: ScriptedBackend;
}

/** `answers` to what is asked in chat, one after the other; `line`: what is written into the gap of a line. */
export async function play(
  answers: (string | (() => Promise<string>))[],
  start: Record<string, string>,
  world: World,
  given: Partial<AgentOptions> = {},
  line: (gap: Gap) => string = () => '',
): Promise<Played> {
  const files: Files = new Map(Object.entries(start));
  const events: AgentEvent[] = [];
  const left = [...answers];
  const backend = new ScriptedBackend(({ kind, params }) => {
    if (kind === 'complete') return line(params);
    const next = left.shift();
    if (next === undefined) throw new MoebiusError('internal', 'The script has no answer left.');
    return typeof next === 'string' ? next : next();
  });
  const outcome = await runGuided({
    ...ALLOW_ALL,
    task: 'The tests fail. Fix the code.',
    mode: 'agent',
    backend,
    ports: memoryPorts(files, world),
    budget: { turns: 20, outputTokens: 100_000, timeMs: 60_000 },
    windowTokens: 8192,
    turnId: 't',
    sequence: 'chat',
    history: [],
    rules: '',
    context: { openFile: null, attachments: [] },
    checkCommand: 'npm test',
    signal: new AbortController().signal,
    ...given,
    emit(event) {
      events.push(event);
      given.emit?.(event);
    },
  });
  return { outcome, files, events, prompts: promptsOf(backend), backend };
}

export const lastOf = (messages: ChatMessage[] | undefined): string => messages?.at(-1)?.content ?? '';
