/** The guided profile against scripted answers: what is asked, applied, checked, taken back and told. */
import assert from 'node:assert/strict';
import type { Gap } from '../../../../src/agent/guided/line-mends.ts';
import type { AgentEvent } from '../../../../src/agent/ports.ts';
import { MoebiusError } from '../../../../src/base/errors.ts';
import { type Files, memoryPorts, type World } from '../../../support/memory-ports.ts';
import { addsUp, block, lastOf, type Played, play, RIGHT, TEST, WORSE, WRONG } from './play.ts';

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

  it('of something else is neither called done for it nor led by it', async () => {
    const more = `${RIGHT}export const twice = a => add(a, a);\n`;
    const task = 'Add a function twice() to math.js, for when the request fails.';
    const passing = await play([block(more)], { ...project, 'math.js': RIGHT }, { run: addsUp }, { task });
    assert.equal(passing.files.get('math.js'), more);
    // It fails already, for a reason that nobody has asked about.
    const wanted = 'Add a function twice() to math.js.';
    const wrong = `${WRONG}export const twice = a => add(a, a);\n`;
    const line = () => assert.fail('a line of what fails was written anew');
    const { outcome, files, prompts } = await play(
      [block(wrong)],
      project,
      { run: addsUp },
      { task: wanted },
      line,
    );
    assert.equal(files.get('math.js'), wrong);
    assert.equal(outcome.reason, 'done');
    assert.equal(outcome.text, 'Changed `math.js`.');
    assert.doesNotMatch(lastOf(prompts[0]), /-1 !== 3/);
  });

  it('in earlier talk is for the model to read; what is wanted the task alone says', async () => {
    const news = 'Before this:\nI asked: Why do the tests fail?\n\nYou answered: 1. Create helper.js.';
    const asked = await play(['It adds.'], project, { run: addsUp }, { news, task: 'What does add do?' });
    assert.equal(asked.outcome.reason, 'answered');
    assert.match(lastOf(asked.prompts[0]), /1\. Create helper\.js\.\n\nWhat does add do\?/);
    // A file that was spoken of is one to look at.
    const start = { ...project, 'other.js': 'export const x = 1;\n' };
    const changed = 'export const x = 2;\n';
    const given = { news: 'Before this:\nI asked: What is in other.js?', task: 'Do it.', checkCommand: null };
    const { files } = await play([block(changed)], start, {}, given);
    assert.equal(files.get('other.js'), changed);
  });

  it('heeds the rules of the folder that it works in, in the room that rules have', async () => {
    const rulesFor = async () => [{ path: 'src/AGENTS.md', text: 'Use tabs.' }];
    const given = { task: 'Let x be 2 in src/x.js.', checkCommand: null, rulesFor };
    const start = { 'src/x.js': 'export const x = 1;\n' };
    const answers = [block('export const x = 2;\n')];
    const { prompts } = await play(answers, start, {}, { ...given, rules: 'Be brief.' });
    assert.match(
      lastOf(prompts[0]),
      /^Rules of this project:\nBe brief\.\n\nRules in src\/AGENTS\.md:\nUse tabs\.\n\n/,
    );
    const long = await play(answers, start, {}, { ...given, rules: 'x'.repeat(8000) });
    assert.match(lastOf(long.prompts[0]), /\(The rules are longer; the rest is left out\.\)/);
    assert.doesNotMatch(lastOf(long.prompts[0]), /Use tabs/);
    const notices = long.events.flatMap(event => (event.type === 'notice' ? [event.text] : []));
    assert.match(notices.join(), /^There is not enough room for all of the rules in src\/AGENTS\.md/);
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
