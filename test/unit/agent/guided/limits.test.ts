/** What bounds the guided profile: stops, budgets, the window, what was said before, servers that it does not use. */
import assert from 'node:assert/strict';
import type { AgentOptions } from '../../../../src/agent/agent.ts';
import { GUIDED_SYSTEM_PROMPT } from '../../../../src/agent/guided/prompts.ts';
import { NATIVE_SYSTEM_PROMPT } from '../../../../src/agent/native-prompt.ts';
import type { AgentEvent } from '../../../../src/agent/ports.ts';
import type { ChatMessage } from '../../../../src/protocol/daemon.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { ALLOW_ALL, type Files, memoryPorts, type World } from '../../../support/memory-ports.ts';
import { addsUp, block, type Played, play, RIGHT, TEST, WORSE, WRONG } from './play.ts';

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
    assert.equal(outcome.reason, 'error');
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

it('guided: a file that the task names is found among very many', async () => {
  const others = Array.from({ length: 4000 }, (_, at) => [`a/${at}.js`, ''] as const);
  const start = { ...Object.fromEntries(others), 'z.js': WRONG };
  const given = { task: 'Fix z.js.', checkCommand: null };
  const { files } = await play([block(RIGHT)], start, {}, given);
  assert.equal(files.get('z.js'), RIGHT);
});
