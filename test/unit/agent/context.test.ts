/** The window: results that fit, old ones that shrink, summaries; and that no request is ever over it. */
import assert from 'node:assert/strict';
import { systemMessage } from '../../../src/agent/native-prompt.ts';
import { fitText as fitPaged, lines, type PagedText } from '../../../src/agent/result-text.ts';
import { TOOLS } from '../../../src/agent/tools/all.ts';
import { ScriptedBackend } from '../../../src/backends/scripted.ts';
import { type ChatMessage, LIMITS } from '../../../src/protocol/daemon.ts';
import { call, done, promptsOf } from '../../support/scripted-model.ts';
import { type Bench, bench, resultsOf } from './support.ts';

const words = (count: number, word = 'word') =>
  Array.from({ length: count }, (_, i) => `${word}${i}`).join('\n');
const read = (path: string) => call('read_file', { path });
const fitText = async (paged: PagedText, room: number, count: (text: string) => Promise<number>) =>
  (await fitPaged(paged, room, count)).text;
const countWords = async (text: string) => text.split(/\s+/).filter(Boolean).length;
const tools = TOOLS.map(tool => tool.definition);

async function assertNeverOver(task: Bench): Promise<void> {
  for (const { params } of task.backend.requests) {
    assert.ok('messages' in params && params.messages);
    const { tokens } = await new ScriptedBackend([]).count({ messages: params.messages, tools });
    const all = tokens + params.maxTokens!;
    assert.ok(all <= task.options.windowTokens, `${tokens} + ${params.maxTokens} tokens`);
  }
}
const isAskedForSummary = (messages: readonly ChatMessage[]) =>
  /Write a summary/.test(messages.at(-1)!.content);
const summariesOf = (task: Bench) => promptsOf(task.backend).filter(isAskedForSummary).length;
/** What the prompt has before anything was said. */
const baseTokens = async () =>
  (await new ScriptedBackend([]).count({ messages: [systemMessage('')], tools })).tokens;

describe('text of a result', () => {
  it('stays as it is when it fits', async () => {
    assert.equal(await fitText(lines('a\nb'), 10, countWords), 'a\nb');
    assert.equal(await fitText(lines('a\nb', 'head'), 10, countWords), 'head\na\nb');
  });

  it('keeps whole lines and says what is missing, whatever the room', async () => {
    const text = words(300);
    for (const room of [20, 50, 100, 299]) {
      const fitted = await fitText(lines(text), room, countWords);
      assert.ok((await countWords(fitted)) <= room);
      const shown = fitted.split('\n');
      assert.equal(shown.at(-1), `(${300 - (shown.length - 1)} more lines are left out)`);
      assert.deepEqual(shown.slice(0, -1), text.split('\n').slice(0, shown.length - 1));
      assert.ok(shown.length > room / 3, 'most of the room is used');
    }
  });

  it('keeps the end of what ends with what matters', async () => {
    const all = words(100).split('\n');
    const rest = (shown: number) => `(${100 - shown} left out)`;
    const fitted = (await fitText({ lines: all, keepsEnd: true, rest }, 40, countWords)).split('\n');
    assert.equal(fitted.at(-1), 'word99');
    const cut = fitted.findIndex(line => line.startsWith('('));
    assert.equal(fitted[cut], `(${100 - (fitted.length - 1)} left out)`);
    assert.deepEqual(
      [...fitted.slice(0, cut), ...fitted.slice(cut + 1)],
      [...all.slice(0, cut), ...all.slice(100 - (fitted.length - 1 - cut))],
    );
    assert.ok(cut > 5 && cut < fitted.length / 2);
  });

  it('clips a line that is too long for any reader, and says so', async () => {
    const fitted = await fitText(lines('x'.repeat(100_000)), 4000, countWords);
    assert.ok(fitted.length < 2100);
    assert.match(fitted, /98000 more characters in this line/);
  });

  it('is not counted again and again', async () => {
    let counts = 0;
    const count = (text: string) => {
      counts++;
      return countWords(text);
    };
    await fitText(lines(words(20_000)), 500, count);
    assert.ok(counts <= 6, `${counts} counts`);
  });
});

describe('the context of a task', () => {
  it('has results of a bounded length, and the rest on demand', async () => {
    const task = bench(
      [read('big'), call('read_file', { path: 'big', offset: 500, limit: 2 }), done()],
      { big: words(5000) },
      { windowTokens: 2000 },
    );
    const outcome = await task.run();
    const [first, second] = resultsOf(outcome);
    assert.ok((await countWords(first!)) <= 2000 * 0.15);
    const next = Number(/go on with offset (\d+)/.exec(first!)?.[1]);
    assert.equal(first!.split('\n').at(-2), `word${next - 2}`);
    assert.equal(second, 'big, lines 500 to 501 of 5000:\nword499\nword500');
    await assertNeverOver(task);
  });

  it('has room for the results of many calls at once', async () => {
    const files = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`f${i}`, words(3000)]));
    const task = bench([Object.keys(files).map(read).join(''), done()], files, { windowTokens: 3000 });
    assert.equal((await task.run()).reason, 'done');
    await assertNeverOver(task);
  });

  it('reduces old results to a line when it fills up, and says so', async () => {
    const window = Math.ceil(((await baseTokens()) + 900) / 0.68);
    const files = Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`f${i}`, words(200, `f${i}-`)]));
    const task = bench([...Object.keys(files).map(read), done()], files, { windowTokens: window });
    const outcome = await task.run();
    assert.equal(outcome.reason, 'done');
    const results = resultsOf(outcome);
    assert.match(results[0]!, /^\(f0, lines 1 to 200 of 200: … 200 lines left out to save room/);
    assert.match(results.at(-2)!, /f5-199/);
    assert.ok(task.events.some(event => event.type === 'notice' && /reduced to one line/.test(event.text)));
    await assertNeverOver(task);
  });

  it('is summed up on the same sequence when that is not enough, and goes on with the task', async () => {
    const long = () => `${words(240, 'thought')}\n`;
    let summaries = 0;
    const task = bench(
      (messages, turn) => {
        if (/Write a summary/.test(messages.at(-1)!.content)) {
          summaries++;
          return 'I have read f0 and changed nothing.';
        }
        return turn < 12 ? `${long()}${read(`f${turn}`)}` : done('ok');
      },
      {},
      { windowTokens: 4000, task: 'find the bug' },
    );
    const outcome = await task.run();
    assert.deepEqual([outcome.reason, summaries > 0], ['done', true]);
    const [system, first] = outcome.history;
    assert.equal(system!.role, 'system');
    assert.match(first!.content, /^find the bug\n\nWhat happened so far:\nI have read f0/);
    const summary = promptsOf(task.backend).findIndex(one => /Write a summary/.test(one.at(-1)!.content));
    const [before, asked] = [promptsOf(task.backend)[summary - 1]!, promptsOf(task.backend)[summary]!];
    assert.deepEqual(asked.slice(0, before.length), before, 'nothing is read again for the summary');
    assert.ok(task.events.some(event => event.type === 'notice' && /summed up/.test(event.text)));
    await assertNeverOver(task);
  });

  it('shows every result also where the task alone needs most of the room, and sums up little for little ones', async () => {
    const room = 8000 - 1200;
    for (const share of [0.72, 0.8, 0.88, 0.93]) {
      for (const lineCount of [3000, 12]) {
        const files = Object.fromEntries(
          Array.from({ length: 12 }, (_, i) => [`f${i}`, words(lineCount, `f${i}-`)]),
        );
        const task = bench(
          messages => {
            if (isAskedForSummary(messages)) return words(300, 'summary');
            const turn = promptsOf(task.backend).length - 1 - summariesOf(task);
            return turn < 12 ? read(`f${turn}`) : done();
          },
          files,
          {
            task: words(Math.floor(room * share) - (await baseTokens()), 'task'),
            windowTokens: 8000,
            budget: { turns: 40, outputTokens: 1e6, timeMs: 60_000 },
          },
        );
        const outcome = await task.run();
        assert.equal(outcome.reason, 'done', outcome.text);
        const shown = promptsOf(task.backend).filter(prompt => !isAskedForSummary(prompt));
        for (const [turn, prompt] of shown.slice(1).entries())
          assert.match(prompt.at(-1)!.content, new RegExp(`^f${turn}, lines .*\nf${turn}-0\n`));
        if (lineCount === 12) assert.ok(summariesOf(task) <= 2, `${summariesOf(task)} of ${share}`);
        await assertNeverOver(task);
      }
    }
  });

  it('keeps the steps of the task when it is summed up, and what the host knows where no summary comes', async () => {
    const items = ['[x] look', '[>] mend the parser', '[ ] test'];
    for (const summary of ['I looked.', call('read_file', { path: 'c.ts' })]) {
      const task = bench(
        (messages, turn) => {
          if (isAskedForSummary(messages)) return summary;
          if (turn === 0) return call('todo', { items });
          if (turn === 1) return call('run_command', { command: 'npm test' });
          return turn < 12
            ? call('write_file', {
                path: `n${turn}.ts`,
                content: words(500, `t${turn}-`).replaceAll('\n', ' '),
              })
            : done();
        },
        {},
        { windowTokens: 6000 },
        { 'npm test': [1, 'failed'] },
      );
      const outcome = await task.run();
      const remembered = outcome.history[1]!.content;
      assert.ok(remembered.includes(`The steps in todo:\n${items.join('\n')}`), remembered);
      if (summary === 'I looked.') assert.match(remembered, /What happened so far:\nI looked\.\n\nThe steps/);
      else assert.match(remembered, /\n\nYou changed: n2\.ts, n3\.ts.*\nYou ran: npm test \(exit code 1\)$/);
      assert.ok(!remembered.includes('tool_call'));
      const asked = task.backend.requests.find(
        ({ params }) => 'messages' in params && isAskedForSummary(params.messages!),
      );
      assert.equal(asked?.kind === 'generate' && asked.params.answerPrefix, 'Summary:\n');
      await assertNeverOver(task);
    }
  });

  it('lets no file be replaced whose text was left out, until it is read again', async () => {
    const files = { 'a.ts': words(300, 'a'), 'b.ts': words(900, 'b') };
    const write = call('write_file', { path: 'a.ts', content: 'from memory' });
    const others = Array.from({ length: 8 }, (_, i) => call('read_file', { path: 'b.ts', offset: i + 1 }));
    const turns = [read('a.ts'), ...others, write, read('a.ts'), write, done()];
    const task = bench(turns, files, { windowTokens: 6000 });
    const outcome = await task.run();
    const results = resultsOf(outcome);
    assert.match(results[0]!, /left out to save room/);
    assert.match(results[9]!, /a\.ts exists and you have not read all of it/);
    assert.deepEqual([task.actions, task.files.get('a.ts')], [['edit a.ts'], 'from memory']);
    const soon = bench([...others, read('a.ts'), write, done()], files, { windowTokens: 6000 });
    await soon.run();
    assert.deepEqual(soon.actions, ['edit a.ts'], 'what is still there is known');
    const created = Array.from({ length: 10 }, (_, i) =>
      call('write_file', { path: `n${i}`, content: words(500).replaceAll('\n', ' ') }),
    );
    let turn = 0;
    const summed = bench(
      messages =>
        isAskedForSummary(messages) ? 'I read a.ts.' : [read('a.ts'), ...created, write, done()][turn++]!,
      files,
      { windowTokens: 6000 },
    );
    await summed.run();
    assert.deepEqual([summariesOf(summed), summed.files.get('a.ts')], [1, files['a.ts']]);
  });

  it('calls what is read again because it was left out no repetition', async () => {
    const files = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`f${i}`, words(800, `f${i}-`)]));
    const names = Object.keys(files);
    const task = bench([...names, ...names, ...names].map(read).concat(done()), files, {
      windowTokens: 5000,
      budget: { turns: 40, outputTokens: 1e6, timeMs: 60_000 },
    });
    const outcome = await task.run();
    assert.equal(outcome.reason, 'done');
    assert.ok(!JSON.stringify(outcome.history).includes('made this call before'));
  });

  it('asks for no more than one answer may have', async () => {
    const task = bench(
      [done()],
      {},
      { windowTokens: 131_072, budget: { turns: 9, outputTokens: 1e6, timeMs: 9999 } },
    );
    await task.run();
    assert.equal(task.backend.requests[0]!.params.maxTokens, LIMITS.maxTokens);
  });

  it('refuses a task that is longer than the window, with figures', async () => {
    const task = bench([done()], {}, { windowTokens: 2000, task: words(3000) });
    const outcome = await task.run();
    assert.equal(outcome.reason, 'error');
    assert.match(outcome.text, /needs [\d,]+ tokens.*room for 1,700/);
    assert.equal(task.backend.requests.length, 0);
  });

  it('takes a conversation that has become too long for the window', async () => {
    const history = [
      systemMessage(''),
      { role: 'user' as const, content: 'old task' },
      { role: 'assistant' as const, content: words(4000) },
    ];
    const task = bench([done()], {}, { windowTokens: 2000, history, task: 'new task' });
    const outcome = await task.run();
    assert.equal(outcome.reason, 'done');
    assert.match(
      promptsOf(task.backend)[0]!.at(-1)!.content,
      /^new task\n\nWhat happened so far did not fit/,
    );
    assert.ok(task.events.some(event => event.type === 'notice' && /left out/.test(event.text)));
    await assertNeverOver(task);
  });

  it('never goes over the window, whatever is read', async () => {
    const size = (turn: number) => [10, 4000, 1, 900, 60, 2500][turn % 6]!;
    const files = Object.fromEntries(Array.from({ length: 24 }, (_, i) => [`f${i}`, words(size(i))]));
    for (const windowTokens of [1500, 2200, 4000]) {
      const task = bench(
        (messages, turn) => {
          if (/Write a summary/.test(messages.at(-1)!.content)) return words(600, 'summary');
          if (turn > 20) return done();
          return `${words(size(turn) % 90)}\n${read(`f${turn}`)}${read(`f${turn + 1}`)}`;
        },
        files,
        { windowTokens, budget: { turns: 40, outputTokens: 1e6, timeMs: 60_000 } },
      );
      const outcome = await task.run();
      assert.equal(outcome.reason, 'done', outcome.text);
      await assertNeverOver(task);
    }
  });
});
