/** The guided profile against scripted answers: what is asked, applied, checked, taken back and told. */
import assert from 'node:assert/strict';
import type { AgentOptions, AgentOutcome } from '../../../../src/agent/agent.ts';
import type { Gap } from '../../../../src/agent/guided/line-mends.ts';
import { GUIDED_SYSTEM_PROMPT } from '../../../../src/agent/guided/prompts.ts';
import { runGuided } from '../../../../src/agent/guided/run.ts';
import { NATIVE_SYSTEM_PROMPT } from '../../../../src/agent/native-prompt.ts';
import type { AgentEvent, Diagnostic } from '../../../../src/agent/ports.ts';
import { ScriptedBackend } from '../../../../src/backends/scripted.ts';
import { MoebiusError } from '../../../../src/base/errors.ts';
import type { ChatMessage } from '../../../../src/protocol/daemon.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { ALLOW_ALL, type Files, memoryPorts, type World } from '../../../support/memory-ports.ts';
import { promptsOf } from '../../../support/scripted-model.ts';

const WRONG = 'export function add(a, b) {\n  return a - b;\n}\n';
const RIGHT = 'export function add(a, b) {\n  return a + b;\n}\n';
const WORSE = 'export function add(a, b) {\n  throw a;\n}\n';
const TEST = "import { add } from './math.js';\ntest('adds', () => {\n  equal(add(1, 2), 3);\n});\n";
const block = (code: string): string => `\`\`\`js\n${code}\`\`\``;

/** Two tests: one passes unless the code throws, the other when it adds. */
const addsUp: NonNullable<World['run']> = async (_, files) => {
  const code = files.get('math.js')!;
  const passed = code.includes('throw') ? 0 : code.includes('a + b') ? 2 : 1;
  const failure = passed < 2 ? 'not ok 2 - adds\n  error: -1 !== 3\n  at file:///x/math.test.js:3:3\n' : '';
  return { output: `${failure}# pass ${passed}\n# fail ${2 - passed}\n`, exitCode: passed === 2 ? 0 : 1 };
};

interface Played {
  outcome: AgentOutcome;
  files: Files;
  events: AgentEvent[];
  prompts: ChatMessage[][];
  backend: ScriptedBackend;
}

/** `answers` to what is asked in chat, one after the other; `line`: what is written into the gap of a line. */
async function play(
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

const lastOf = (messages: ChatMessage[] | undefined): string => messages?.at(-1)?.content ?? '';

describe('guided: a failing test', () => {
  const project = { 'math.js': WRONG, 'math.test.js': TEST };

  it('is found by what it imports; the function that it calls is written anew from it, and checked', async () => {
    const { outcome, files, prompts, events } = await play([block(RIGHT)], project, { run: addsUp });
    assert.equal(files.get('math.js'), RIGHT);
    assert.equal(files.get('math.test.js'), TEST);
    assert.equal(outcome.reason, 'done');
    assert.equal(outcome.checkPassed, true);
    assert.equal(outcome.text, 'Changed `math.js`; `npm test` passes.');
    assert.deepEqual(
      outcome.commands.map(({ exitCode }) => exitCode),
      [1, 0],
    );
    assert.deepEqual(outcome.changed, [{ path: 'math.js', kind: 'edit', addedLines: 1, removedLines: 1 }]);
    const asked = lastOf(prompts[0]);
    for (const part of [
      'equal(add(1, 2), 3)',
      'export function add(a, b) {\n  // to be written\n}',
      'math.js',
    ])
      assert.ok(asked.includes(part), part);
    assert.ok(!asked.includes('return a - b'), 'the model would copy what it sees');
    const calls = events.flatMap(event =>
      event.type === 'call' && event.call.kind === 'call' ? [event.call.name] : [],
    );
    assert.deepEqual(calls, ['run_command', 'edit_file', 'run_command']);
    const results = events.filter(event => event.type === 'result').length;
    assert.equal(results, calls.length);
    assert.deepEqual(events.at(-1), { type: 'end', reason: 'done', text: outcome.text });
  });

  it('single lines are written anew, and those that differ are checked', async () => {
    const line = ({ prefix, suffix }: Gap) => {
      assert.deepEqual([prefix, suffix], ['export function add(a, b) {\n  ', '\n}\n']);
      return 'return a + b;';
    };
    const { outcome, files, events, backend } = await play([], project, { run: addsUp }, {}, line);
    assert.equal(files.get('math.js'), RIGHT);
    assert.equal(outcome.turns, 1);
    assert.deepEqual(
      backend.requests.map(({ kind, params }) => [kind, params.sequence]),
      [['complete', 'chat-lines']],
      'beside the conversation',
    );
    assert.ok(events.some(event => event.type === 'notice' && /math\.js/.test(event.text)));
    assert.ok(outcome.history.every(({ content }) => content !== 'return a + b;'));
  });

  it('a missing line is written where it is missing', async () => {
    const hollow = 'export function add(a, b) {\n  const sum = a + b;\n}\n';
    const run: World['run'] = async (command, files) =>
      addsUp(command, new Map([['math.js', files.get('math.js')!.includes('return sum') ? RIGHT : WRONG]]));
    const asked: string[] = [];
    const line = ({ prefix }: Gap) => {
      asked.push(prefix);
      return prefix.endsWith('a + b;\n') ? '  return sum;' : '';
    };
    const answers = Array(20).fill(block(hollow));
    const { outcome, files } = await play(answers, { ...project, 'math.js': hollow }, { run }, {}, line);
    assert.equal(outcome.reason, 'done');
    assert.equal(files.get('math.js'), hollow.replace('}\n', '  return sum;\n}\n'));
    assert.equal(new Set(asked).size, asked.length, 'no gap is asked for twice');
  });

  it('goes on in other ways with a model that can not fill gaps', async () => {
    const line = () => {
      throw new MoebiusError('unsupported', 'no');
    };
    const answers = [block(WORSE), 'The sign.', block(RIGHT)];
    const { outcome, prompts } = await play(answers, project, { run: addsUp }, {}, line);
    assert.equal(outcome.reason, 'done');
    for (const part of ['-1 !== 3', 'equal(add(1, 2), 3)', 'return a - b;'])
      assert.ok(lastOf(prompts[1]).includes(part), part);
    assert.deepEqual(prompts[2]!.slice(0, 2), prompts[1], 'the code is asked for behind the diagnosis');
    assert.match(
      outcome.text,
      /passes\.\n\n```diff\n--- a\/math\.js\n[\s\S]*- {2}return a - b;\n\+ {2}return a \+ b;\n/,
      'of several versions the one that is left is shown',
    );
  });

  it('a file is begun anew from all of its tests', async () => {
    const test = `${TEST}test('more', () => {});\n`;
    const answers = [block(WRONG), 'The sign.', block(WRONG), block(RIGHT)];
    const { outcome, prompts } = await play(answers, { ...project, 'math.test.js': test }, { run: addsUp });
    assert.equal(outcome.reason, 'done');
    assert.match(
      lastOf(prompts[3]),
      /test\('more'[\s\S]*to be written[\s\S]*Write the complete file math\.js/,
    );
    assert.ok(!lastOf(prompts[3]).includes('a - b'));
  });

  it('is looked at once and begun anew from all of its tests where hardly any of them passes', async () => {
    const run: World['run'] = async (command, files) => {
      const { output, exitCode } = await addsUp(command, files);
      return { output: output.replace('# fail 1', '# fail 3'), exitCode };
    };
    const answers = ['The sign.', block(WRONG), '(x) {}', block(RIGHT)];
    const { outcome, prompts } = await play(answers, project, { run });
    assert.equal(outcome.reason, 'done');
    assert.match(
      lastOf(prompts[2]),
      /equal\(add[\s\S]*It has these functions:\n- `add`\n[\s\S]*that they use/,
    );
    assert.match(lastOf(prompts[3]), /to be written[\s\S]*Write the complete file math\.js/);
  });

  it('a version whose check does not come to its end is stopped, and is none', async () => {
    const killed: string[] = [];
    const files: Files = new Map(Object.entries(project));
    const ports = memoryPorts(files, { run: addsUp });
    const limits: number[] = [];
    const { run } = ports.terminal;
    ports.terminal.run = async request => {
      limits.push(request.timeoutMs);
      if (!files.get('math.js')!.includes('throw')) return run(request);
      return { id: 'endless', state: 'running', exitCode: null, output: '' };
    };
    ports.terminal.kill = async id => void killed.push(id);
    const { outcome } = await play([block(WORSE), 'x', block(RIGHT)], project, {}, { ports });
    assert.deepEqual(killed, ['endless']);
    assert.equal(outcome.reason, 'done');
    assert.equal(files.get('math.js'), RIGHT);
    assert.ok(limits[1]! < limits[0]!, 'a version has less time than the first run, which was short');
  });

  it('a test is shown with the data that it takes from its file', async () => {
    const test = `const INPUT = [\n  1,\n  2,\n];\nconst other = 3;\n\n${TEST.replace('1, 2', '...INPUT')}`;
    const run: World['run'] = async (command, files) => {
      const { output, exitCode } = await addsUp(command, files);
      return { output: output.replace('test.js:3:3', 'test.js:9:3'), exitCode };
    };
    const { prompts } = await play([block(RIGHT)], { ...project, 'math.test.js': test }, { run });
    assert.match(lastOf(prompts[0]), /```js\nconst INPUT = \[\n {2}1,\n {2}2,\n\];\ntest\('adds'/);
  });

  it('the line where it fails is marked', async () => {
    const run: World['run'] = async (command, files) => {
      const { output, exitCode } = await addsUp(command, files);
      return { output: `${output}TypeError: no\n  at add (file:///x/math.js:2:10)\n`, exitCode };
    };
    const { prompts } = await play([block(WRONG), 'x', block(RIGHT)], project, { run });
    assert.match(lastOf(prompts[1]), /return a - b; \/\/ <-- PROBLEM: the test fails here: TypeError: no\n/);
  });

  it('what a test throws comes with a hint', async () => {
    const run: World['run'] = async (command, files) => {
      const { output, exitCode } = await addsUp(command, files);
      return { output: `${output}TypeError: plus is not a function\n`, exitCode };
    };
    const { prompts } = await play([block(WRONG), 'x', block(RIGHT)], project, { run });
    assert.match(lastOf(prompts[1]), /Hint: Define what the test calls with exactly that name/);
  });

  it('single lines are not looked for where no test passes', async () => {
    const looked = ['x', ...Array(4).fill(block(WORSE))];
    const { outcome, backend, prompts } = await play(
      [...looked, block(RIGHT)],
      { ...project, 'math.js': WORSE },
      { run: addsUp },
    );
    assert.equal(outcome.reason, 'done');
    assert.match(
      lastOf(prompts.at(-1)),
      /body of `add` is missing/,
      'what comes after the first pass over lines',
    );
    assert.ok(backend.requests.every(({ kind }) => kind === 'generate'));
  });

  it('says so when there is nothing to fix', async () => {
    const { outcome, backend } = await play([], { ...project, 'math.js': RIGHT }, { run: addsUp });
    assert.equal(outcome.reason, 'done');
    assert.match(outcome.text, /passes already/);
    assert.equal(backend.requests.length, 0);
  });

  it('a version that is worse is never what is left', async () => {
    const answers = [...Array(30).fill(block(WORSE))];
    const { outcome, files } = await play(answers, project, { run: addsUp });
    assert.equal(files.get('math.js'), WRONG);
    assert.equal(outcome.reason, 'limit');
    assert.deepEqual(outcome.changed, []);
    assert.match(outcome.text, /Nothing is changed\.\n\n/);
  });

  it('a version that helps is kept, and the rounds begin again with it', async () => {
    const answers = ['x', block(WRONG), ...Array(30).fill(block(WORSE))];
    const { outcome, files, prompts } = await play(
      answers,
      { ...project, 'math.js': WORSE },
      { run: addsUp },
    );
    assert.equal(files.get('math.js'), WRONG);
    assert.match(outcome.text, /What helped is kept\.\n\n```diff\n[\s\S]*- {2}throw a;/);
    assert.ok(lastOf(prompts[2]).includes('The body of `add` is missing'));
    assert.ok(lastOf(prompts[3]).includes('return a - b;'));
  });

  it('does not check the same version twice', async () => {
    const { outcome } = await play(Array(30).fill(block(WORSE)), project, { run: addsUp });
    assert.equal(outcome.commands.length, 2);
  });

  it('stops where the budget ends', async () => {
    const budget = { turns: 2, outputTokens: 100_000, timeMs: 60_000 };
    const { outcome, backend } = await play(
      Array(20).fill(block(WORSE)),
      project,
      { run: addsUp },
      { budget },
    );
    assert.equal(outcome.reason, 'limit');
    assert.ok(backend.requests.length <= 3);
  });

  it('does nothing more once the user does not allow it', async () => {
    const denied: AgentOptions['policy'] = () => ({ ...ALLOW_ALL.policy(), readOnly: true });
    const { outcome, files, backend } = await play(
      [block(RIGHT)],
      project,
      { run: addsUp },
      { policy: denied },
    );
    assert.equal(outcome.reason, 'stopped');
    assert.match(outcome.text, /read-only/);
    assert.equal(files.get('math.js'), WRONG);
    assert.equal(backend.requests.length, 0);
  });

  it('stops when the user stops it', async () => {
    const abort = new AbortController();
    const emit = (event: AgentEvent) => void (event.type === 'turn' && abort.abort());
    const { outcome, files } = await play(
      [block(RIGHT)],
      project,
      { run: addsUp },
      { signal: abort.signal, emit },
    );
    assert.equal(outcome.reason, 'stopped');
    assert.equal(files.get('math.js'), WRONG);
  });
});

describe('guided: a task that ends between its rounds', () => {
  const project = { 'math.js': WRONG, 'math.test.js': TEST };
  const isEdit = (event: AgentEvent): boolean => event.type === 'result' && event.changes.length > 0;
  const noticesOf = ({ events }: Played): string[] =>
    events.flatMap(event => (event.type === 'notice' && !/Looking/.test(event.text) ? [event.text] : []));
  /** Stops when a version is in. */
  const stopping = (then: () => void = () => {}): Pick<AgentOptions, 'signal' | 'emit'> => {
    const abort = new AbortController();
    const emit = (event: AgentEvent) => {
      if (!isEdit(event) || abort.signal.aborted) return;
      then();
      abort.abort();
    };
    return { signal: abort.signal, emit };
  };

  it('stopped by the user, leaves the files as they were', async () => {
    const played = await play([block(WORSE)], project, { run: addsUp }, stopping());
    assert.equal(played.outcome.reason, 'stopped');
    assert.equal(played.files.get('math.js'), WRONG);
    assert.deepEqual(played.outcome.changed, []);
    assert.deepEqual(noticesOf(played), ['Nothing is changed.']);
    assert.equal(played.events.filter(isEdit).length, 2, 'the user sees that it was taken back');
    assert.equal(played.events.at(-1)?.type, 'end');
  });

  it('stopped with a new file, takes it back', async () => {
    const given = { task: 'Create src/greet.js with a function.', ...stopping() };
    const run: World['run'] = async () => ({ output: '', exitCode: 0 });
    const played = await play([block(RIGHT)], {}, { run }, given);
    assert.deepEqual([...played.files], []);
    assert.deepEqual(noticesOf(played), ['Nothing is changed.']);
  });

  it('with an error of the engine, keeps the best version so far', async () => {
    const answers = ['x', block(WRONG), block(WORSE)];
    const played = await play(answers, { ...project, 'math.js': WORSE }, { run: addsUp });
    assert.equal(played.outcome.reason, 'error');
    assert.match(played.outcome.text, /no answer left/);
    assert.equal(played.files.get('math.js'), WRONG);
    assert.equal(played.outcome.changed.length, 1);
    assert.deepEqual(noticesOf(played), ['What helped is kept.']);
    const failed = await play(['x', block('export const add = () => {};\n')], project, { run: addsUp });
    assert.equal(failed.outcome.reason, 'error');
    assert.equal(failed.files.get('math.js'), WRONG);
  });

  it('with what the user wrote meanwhile, leaves that and says so', async () => {
    const files: Files = new Map(Object.entries(project));
    const ports = memoryPorts(files, { run: addsUp });
    const mine = `${WORSE}// mine\n`;
    const given = { ...stopping(() => files.set('math.js', mine)), ports };
    const played = await play([block(WORSE)], {}, {}, given);
    assert.equal(files.get('math.js'), mine);
    assert.match(noticesOf(played).join(), /^math\.js still has the last version.*changed meanwhile/);
    assert.equal(played.outcome.changed.length, 1);
  });

  it('because the user made the agent read-only, is taken back all the same', async () => {
    let readOnly = false;
    const policy: AgentOptions['policy'] = () => ({ ...ALLOW_ALL.policy(), readOnly });
    const emit = (event: AgentEvent) => {
      readOnly ||= isEdit(event);
    };
    const { outcome, files } = await play([block(WORSE)], project, { run: addsUp }, { policy, emit });
    assert.equal(outcome.reason, 'stopped');
    assert.match(outcome.text, /read-only/);
    assert.equal(files.get('math.js'), WRONG);
  });

  it('because its time is up, stops the request that runs', async () => {
    const clock = new FakeClock();
    const slow = async () => {
      await clock.advance(60_000);
      return block(RIGHT);
    };
    const world = { run: addsUp, clock };
    const played = await play([block(WORSE), slow], project, world);
    assert.equal(played.outcome.reason, 'limit');
    assert.match(played.outcome.text, /budget of time/);
    assert.equal(played.files.get('math.js'), WRONG);
    assert.deepEqual(noticesOf(played), ['Nothing is changed.']);
    assert.equal(played.prompts.length, 2);
  });
});

describe('guided: a renaming', () => {
  const files = {
    'math.js': RIGHT.replace('add', 'plus'),
    'app.js': "import { plus } from './math.js';\n\nconsole.log(plus(1, 2));\n",
  };
  const task = 'Rename `plus` to `sum`.';
  const renamedFiles = Object.entries(files).map(([path, text]) => [path, text.replaceAll('plus', 'sum')]);

  it('needs no model, and is one edit of all its files', async () => {
    const played = await play([], files, {}, { task, checkCommand: null });
    assert.deepEqual([...played.files], renamedFiles);
    assert.equal(played.backend.requests.length, 0);
    assert.deepEqual([played.outcome.reason, played.outcome.text], ['done', 'Changed `math.js`, `app.js`.']);
    assert.equal(played.events.filter(event => event.type === 'call').length, 1);
  });

  it('is left to the model where it breaks the check', async () => {
    const run: World['run'] = async (_, now) => ({
      output: now.get('app.js')!.includes('sum') ? '1 failing' : '1 passing',
      exitCode: now.get('app.js')!.includes('sum') ? 1 : 0,
    });
    const { files: now, backend } = await play([], files, { run }, { task });
    assert.deepEqual([...now], Object.entries(files));
    assert.ok(backend.requests.length > 0);
  });

  it('the language server knows better', async () => {
    const asked: unknown[] = [];
    const symbols = {
      textsAfterRename: async (request: unknown) => {
        asked.push(request);
        return new Map([['math.js', 'export const sum = 1;\n']]);
      },
    };
    const played = await play([], files, { symbols }, { task, checkCommand: null });
    assert.deepEqual(asked, [{ path: 'math.js', line: 1, column: 17, newName: 'sum' }]);
    assert.deepEqual(
      [...played.files],
      [
        ['math.js', 'export const sum = 1;\n'],
        ['app.js', files['app.js']],
      ],
    );
  });
});

describe('guided: a stub', () => {
  it('is not implemented while a part of it says that it is not', async () => {
    const stub =
      "export class A {\n  constructor() {\n    throw new Error('Implement this function');\n  }\n}\n";
    const given = { task: 'Implement a.js.', checkCommand: null };
    const whole = 'export class A {\n  constructor() {\n    this.a = 1;\n  }\n}\n';
    const half = stub.replace('}\n}', '}\n\n  get a() {\n    return 1;\n  }\n}');
    const answers = [block(half), 'x', block(whole)];
    const { outcome, files, prompts } = await play(answers, { 'a.js': stub }, {}, given);
    assert.equal(outcome.reason, 'done');
    assert.match(lastOf(prompts[0]), /It has these functions:\n- `constructor\(\)`/);
    assert.ok(!lastOf(prompts[0]).includes('Implement this'), 'what is seen is copied');
    assert.equal(files.get('a.js'), whole);
    const stays = await play(Array(20).fill(block(half)), { 'a.js': stub }, {}, given);
    assert.equal(stays.outcome.reason, 'done', 'what stays a stub is meant to be one');
  });
});

describe('guided: a file that is not there yet', () => {
  it('is created where the task says', async () => {
    const given = { task: 'Create src/greet.js with a function that greets.', checkCommand: null };
    const { outcome, files, prompts } = await play([block(RIGHT)], {}, {}, given);
    assert.equal(outcome.reason, 'done');
    assert.equal(files.get('src/greet.js'), RIGHT);
    assert.equal(outcome.changed[0]!.kind, 'create');
    assert.match(lastOf(prompts[0]), /Write the complete new version of src\/greet\.js/);
  });
});

describe('guided: a problem that a checker reports', () => {
  const TEXT = 'const a = 1;\r\nconsole.log(b);\r\n';
  const diagnose: World['diagnose'] = files => {
    const lines = files.get('a.ts')!.split(/\r?\n/);
    return lines.flatMap((line, index): Diagnostic[] => {
      const name = /log\((?!a\))(\w+)/.exec(line)?.[1];
      const message = name
        ? `Cannot find name '${name}'.`
        : line.includes('syntax')
          ? 'Not TypeScript.'
          : null;
      return message
        ? [{ path: 'a.ts', line: index + 1, column: 1, severity: 'error', message, source: 'ts' }]
        : [];
    });
  };
  const given = {
    task: "Fix this problem: Cannot find name 'b'.",
    checkCommand: null,
    context: { openFile: { path: 'a.ts', selection: { startLine: 2, endLine: 2 } }, attachments: [] },
  };
  const ts = (code: string) => `\`\`\`ts\n${code}\n\`\`\``;

  it('is shown at its line, with a hint; the line ends of the file stay', async () => {
    const answer = ts("const a = 1;\nconsole.log(a); // <-- PROBLEM: Cannot find name 'b'.");
    const { outcome, files, prompts } = await play([answer], { 'a.ts': TEXT }, { diagnose }, given);
    assert.equal(outcome.reason, 'done');
    assert.equal(files.get('a.ts'), 'const a = 1;\r\nconsole.log(a);\r\n');
    assert.match(lastOf(prompts[0]), /console\.log\(b\); \/\/ <-- PROBLEM: Cannot find name 'b'\.\n/);
    assert.match(lastOf(prompts[0]), /Hint: Import it, declare it/);
  });

  it('that only makes room for another is not solved', async () => {
    const answers = [ts('const a = 1;\nsyntax'), 'Log a.', ts('const a = 1;\nconsole.log(a);')];
    const { outcome, files } = await play(answers, { 'a.ts': TEXT }, { diagnose }, given);
    assert.equal(outcome.reason, 'done');
    assert.equal(outcome.turns, 3);
    assert.equal(files.get('a.ts'), 'const a = 1;\r\nconsole.log(a);\r\n');
  });
});

describe('guided: answers and plans', () => {
  it('a question about the open file is answered, nothing is changed', async () => {
    const given = {
      task: 'What does add do?',
      context: { openFile: { path: 'math.js', selection: null }, attachments: [] },
    };
    const { outcome, prompts, events } = await play(
      ['It subtracts.'],
      { 'math.js': WRONG },
      { run: addsUp },
      given,
    );
    assert.deepEqual([outcome.reason, outcome.text], ['answered', 'It subtracts.']);
    assert.ok(lastOf(prompts[0]).includes('return a - b;'));
    assert.deepEqual(outcome.commands, []);
    assert.ok(events.some(event => event.type === 'call' && event.title === 'Read math.js'));
  });

  it('a plan reads, but changes and runs nothing', async () => {
    const given = { mode: 'plan' as const, task: 'Fix math.js' };
    const { outcome, files, prompts } = await play(
      [`1. Swap the sign.\n${block(RIGHT)}`],
      { 'math.js': WRONG },
      { run: addsUp },
      given,
    );
    assert.equal(outcome.reason, 'answered');
    assert.equal(files.get('math.js'), WRONG);
    assert.match(lastOf(prompts[0]), /Give a plan/);
  });
});

describe('guided: an earlier conversation', () => {
  const talk: ChatMessage[] = [
    { role: 'user', content: 'hello' },
    { role: 'assistant', content: 'hi' },
  ];
  const begun = (system: string): ChatMessage[] => [{ role: 'system', content: system }, ...talk];
  const noticesOf = ({ events }: Played): string[] =>
    events.flatMap(event => (event.type === 'notice' ? [event.text] : []));

  it('goes on byte for byte', async () => {
    const history = begun(GUIDED_SYSTEM_PROMPT);
    const played = await play(['yes'], {}, {}, { task: 'Is it so?', history });
    assert.deepEqual(played.prompts[0]!.slice(0, 3), history);
    assert.deepEqual(played.outcome.history.slice(0, 3), history);
    assert.deepEqual(noticesOf(played), []);
  });

  it('of another profile goes on under its own system prompt: there are no tools any more', async () => {
    const history = begun(NATIVE_SYSTEM_PROMPT);
    const { prompts, outcome, events } = await play(['yes'], {}, {}, { task: 'Is it so?', history });
    assert.deepEqual(prompts[0]!.slice(0, 3), begun(GUIDED_SYSTEM_PROMPT));
    assert.equal(outcome.history[0]!.content, GUIDED_SYSTEM_PROMPT);
    const told = events.find(event => event.type === 'history');
    assert.ok(told?.type === 'history' && told.kept === 0, 'and is stored so');
  });

  it('that is too long is left out, and the user is told', async () => {
    const history = begun(GUIDED_SYSTEM_PROMPT);
    const given = { task: 'Is it so?', history, windowTokens: 1200 };
    history[1]!.content = 'word '.repeat(400);
    const played = await play(['yes'], {}, {}, given);
    assert.equal(played.prompts[0]!.length, 2);
    assert.match(noticesOf(played).join(), /earlier conversation was left out.* room for 360 /);
  });
});

describe('guided: MCP servers', () => {
  const mcp: NonNullable<AgentOptions['ports']['mcp']> = {
    list: () => Promise.reject(new Error('nothing is started')),
    call: () => Promise.reject(new Error('nothing is called')),
  };
  const play1 = async (history: ChatMessage[]) => {
    const ports = { ...memoryPorts(new Map()), mcp };
    return play(['yes'], {}, {}, { task: 'Is it so?', history, ports });
  };

  it('are not used, which the user is told once in a conversation', async () => {
    const first = await play1([]);
    const told = first.events.filter(event => event.type === 'notice' && /MCP servers/.test(event.text));
    assert.equal(told.length, 1);
    const second = await play1(first.outcome.history);
    assert.ok(second.events.every(event => event.type !== 'notice'));
  });
});

describe('guided: the window', () => {
  it('is never too small for what is asked: a conversation that has grown is begun anew', async () => {
    const windowTokens = 3000;
    const attached = { label: 'notes', language: '', text: 'word '.repeat(1366) };
    const given = {
      task: 'Add a comment to a.js.',
      checkCommand: null,
      windowTokens,
      context: { openFile: { path: 'a.js', selection: null }, attachments: [attached] },
    };
    const diagnose: World['diagnose'] = files =>
      files.get('a.js')!.includes('syntax')
        ? [{ path: 'a.js', line: 1, column: 1, severity: 'error', message: 'No.', source: 'js' }]
        : [];
    const start = {
      'a.js': "import { b } from './b.js';\nlet a;\n",
      'b.js': `// related ${'word '.repeat(170)}\nexport const b = 1;\n`,
    };
    const long = (name: string) => block(`syntax ${name} ${'word '.repeat(200)}\n`);
    const said = 'word '.repeat(110);
    const answers = [long('a'), said, long('b'), said, block(`// a\n${start['a.js']}`)];
    const { outcome, prompts } = await play(answers, start, { diagnose }, given);
    assert.equal(outcome.reason, 'done');
    assert.deepEqual(
      prompts.map(messages => messages.length),
      [2, 2, 4, 2, 4],
      'code, diagnosis, and a follow-up that does not fit behind it',
    );
    assert.deepEqual(
      prompts.map(messages => messages.some(({ content }) => content.includes('// related'))),
      [true, false, false, false, false],
      'a diagnosis and the request behind it need room as well',
    );
    for (const messages of prompts) {
      const words = messages.flatMap(({ content }) => content.split(/\s+/).filter(Boolean)).length;
      assert.ok(words + 1200 <= windowTokens, `${words}`);
    }
  });
});

describe('guided: the functions of a stub', () => {
  const say = "export const say = () => {\n  throw new Error('Implement this');\n};\n";
  const prefixesOf = ({ backend }: Played) =>
    backend.requests.flatMap(({ kind, params }) => (kind === 'generate' ? [params.answerPrefix] : []));
  const given = { task: 'Implement a.js.', checkCommand: null };

  it('are begun for the model, up to their parameters, or it imports them from the file itself', async () => {
    const written = ' n => {\n  return String(n);\n};\n';
    const played = await play([written], { 'a.js': `// A skeleton.\n\n${say}` }, {}, given);
    assert.deepEqual(prefixesOf(played), ['```js\nexport const say =']);
    assert.equal(played.files.get('a.js'), `// A skeleton.\nexport const say =${written}`);
  });

  it('are written one after the other, in one answer', async () => {
    const stub = `${say}\nexport class Box {\n  constructor() {\n    throw new Error('Implement this');\n  }\n\n  get() {\n    throw new Error('Implement this');\n  }\n}\n`;
    const parts = [
      ' (n) => {\n  return n;\n};\n',
      '(n) {\n    this.n = n;\n  }\n}\n',
      '() {\n    return this.n;\n  }\n}',
    ];
    const played = await play(parts, { 'a.js': stub }, {}, given);
    const text =
      'export const say = (n) => {\n  return n;\n};\n\nexport class Box {\n  constructor(n) {\n    this.n = n;\n  }\n\n  get() {\n    return this.n;\n  }\n}\n';
    assert.equal(played.files.get('a.js'), text);
    assert.equal(played.outcome.turns, 1);
    const shown = played.events.map(event => (event.type === 'text' ? event.text : '')).join('');
    assert.equal(shown.split('return n;').length, 2, 'what was written is not shown again');
    const [first] = played.backend.requests;
    assert.ok(first?.kind === 'generate');
    assert.deepEqual(first.params.stop, ['\n```', '\n  constructor(', '\n  get(']);
  });

  it('are not begun again when the model has written them already', async () => {
    const stub = 'def a():\n    pass\n\ndef b():\n    pass\n';
    const answer = '(x):\n    return x\n\nasync def b(y):\n    return y\n';
    const played = await play([answer], { 'a.py': stub }, {}, { ...given, task: 'Implement a.py.' });
    assert.equal(prefixesOf(played).length, 1);
    assert.equal(played.files.get('a.py'), `def a${answer}`);
  });

  it('are refused when they come from the file itself', async () => {
    const answers = [
      block("import { say } from './a.js';\nconsole.log(say(1));\n"),
      'x',
      block(`import { say } from './a';\n${say.replace('throw new Error', 'return String')}`),
    ];
    const start = { 'a.js': 'export const say = () => {};\n' };
    const { files, outcome, prompts } = await play(answers, start, {}, given);
    assert.equal(outcome.reason, 'done');
    assert.equal(files.get('a.js'), say.replace('throw new Error', 'return String'));
    assert.equal(prompts.length, 3);
  });
});
