/** Each tool: what the model reads, and what it is told when it can't have it. */
import assert from 'node:assert/strict';
import { TOOLS } from '../../../src/agent/tools/all.ts';
import { call, done } from '../../support/scripted-model.ts';
import { bench, resultsOf } from './support.ts';

const files = { 'a.ts': 'one\r\ntwo\r\nthree\r\n', 'empty.ts': '', 'src/b.ts': 'let two = 2;\n' };

async function result(name: string, args: Record<string, unknown>): Promise<string> {
  return resultsOf(await bench([call(name, args), done()], files).run())[0]!;
}
function reads(name: string, args: Record<string, unknown>, expected: string | RegExp): void {
  it(`${name} ${JSON.stringify(args)}`, async () => {
    const text = await result(name, args);
    if (typeof expected === 'string') assert.equal(text, expected);
    else assert.match(text, expected);
  });
}

describe('tools', () => {
  it('stand in an order that never changes', () => {
    const names = TOOLS.map(tool => tool.definition.name).join(' ');
    const all =
      'read_file list_dir find_files grep edit_file write_file run_command command_output get_diagnostics todo ask_user task_done';
    assert.equal(names, all);
  });

  it('have flat arguments that say what they are', () => {
    for (const { definition } of TOOLS) {
      const properties = definition.parameters.properties as Record<
        string,
        { type: string; description: string }
      >;
      for (const [name, { type, description }] of Object.entries(properties)) {
        assert.ok(['string', 'integer', 'boolean', 'array'].includes(type), `${definition.name}.${name}`);
        assert.ok(description.length > 0);
      }
    }
  });

  reads('read_file', { path: 'a.ts' }, 'a.ts, lines 1 to 3 of 3:\none\ntwo\nthree');
  reads('read_file', { path: 'a.ts', offset: 3 }, 'a.ts, lines 3 to 3 of 3:\nthree');
  reads('read_file', { path: 'empty.ts' }, 'empty.ts is empty.');
  reads('read_file', { path: 'zzz.ts' }, /There is no file zzz\.ts.*Use find_files/);
  reads('list_dir', {}, 'a.ts\nempty.ts\nsrc/b.ts');
  reads('find_files', { pattern: '**/*.ts' }, 'a.ts\nempty.ts\nsrc/b.ts');
  reads('find_files', { pattern: '*.py' }, /No file matches \*\.py/);
  reads('grep', { pattern: 'tw.' }, 'a.ts:2: two\nsrc/b.ts:1: let two = 2;');
  reads('grep', { pattern: '(src|let)\\ tw.\\ =' }, 'src/b.ts:1: let two = 2;');
  reads('grep', { pattern: '(two' }, /no valid regular expression/);
  reads('grep', { pattern: 'zzz' }, 'Nothing matches.');
  reads('get_diagnostics', {}, 'a.ts:3:5: error: x is not defined [ts]');
  reads(
    'get_diagnostics',
    { paths: ['a.ts', 'zzz.ts'] },
    'There is no file zzz.ts. Use find_files or list_dir.',
  );
  reads('ask_user', { question: 'Which colour?', options: ['blue', 'red'] }, 'The user answered: blue');
  reads('ask_user', { question: 'no answer?' }, /did not answer. Decide yourself/);
  reads(
    'command_output',
    { id: '1', from_line: 49 },
    'Command 1: exited with code 0. Lines 49 to 50 of 50:\nout 49\nout 50',
  );
  reads('command_output', { id: '1', from_line: 51 }, /past the end: there are 50 lines/);

  it('edit_file changes several places, all or none', async () => {
    const edits = (second: string) => ({
      path: 'a.ts',
      old_text: 'one',
      new_text: 'ONE',
      more_edits: [{ old_text: second, new_text: 'THREE' }],
    });
    const both = bench([call('edit_file', edits('three')), done()], files);
    await both.run();
    assert.equal(both.files.get('a.ts'), 'ONE\r\ntwo\r\nTHREE\r\n');
    const none = bench([call('edit_file', edits('four')), done()], files);
    assert.match(resultsOf(await none.run())[0]!, /Edit 2 of 2: .*None of the edits was made/s);
    assert.equal(none.files.get('a.ts'), files['a.ts']);
  });

  it('write_file lays an answer that leaves code out over the file, or refuses it', async () => {
    const stored = 'function a() {\n  return 1;\n}\n\nfunction b() {\n  return 2;\n}\n';
    const write = (content: string) => [
      call('read_file', { path: 'c.ts' }),
      call('write_file', { path: 'c.ts', content }),
      done(),
    ];
    const marker = '// ... existing code ...\n';
    const laid = bench(write(`${marker}\nfunction b() {\n  return 3;\n}\n`), { 'c.ts': stored });
    await laid.run();
    assert.equal(laid.files.get('c.ts'), stored.replace('return 2', 'return 3'));
    const refused = bench(write(marker), { 'c.ts': stored });
    assert.match(resultsOf(await refused.run())[1]!, /c\.ts was not changed/);
    assert.equal(refused.files.get('c.ts'), stored);
  });

  it('run_command carries a patch out as edits', async () => {
    const patch =
      '*** Begin Patch\n*** Update File: src/b.ts\n@@\n-let two = 2;\n+let two = 3;\n*** End Patch';
    const command = `apply_patch <<'EOF'\n${patch}\nEOF`;
    const patched = bench([call('run_command', { command }), done()], files);
    await patched.run();
    assert.equal(patched.files.get('src/b.ts'), 'let two = 3;\n');
    assert.deepEqual(patched.actions, ['edit src/b.ts']);
    const missing = call('run_command', { command: command.replace('-let two', '-let seven') });
    assert.match(resultsOf(await bench([missing, done()], files).run())[0]!, /The patch was not applied/);
  });

  it('edit_file keeps the line ends of the file', async () => {
    const task = bench(
      [call('edit_file', { path: 'a.ts', old_text: 'one\ntwo', new_text: 'ONE\n1.5\ntwo' }), done()],
      files,
    );
    await task.run();
    assert.equal(task.files.get('a.ts'), 'ONE\r\n1.5\r\ntwo\r\nthree\r\n');
  });

  it('edit_file finds what was shown in another form than it has', async () => {
    const stored = { 'a.ts': "const begin = '<tool_call>';\u200b\n" };
    const old_text = "const begin = '<\\tool_call>';<U+200B>";
    const task = bench(
      [call('edit_file', { path: 'a.ts', old_text, new_text: "const end = '<\\/tool_call>';" }), done()],
      stored,
    );
    await task.run();
    assert.equal(task.files.get('a.ts'), "const end = '</tool_call>';\n");
  });

  it('write_file creates, and replaces what was read, with its line ends', async () => {
    const task = bench(
      [
        call('write_file', { path: 'new.ts', content: 'n\n' }),
        call('read_file', { path: 'a.ts' }),
        call('write_file', { path: 'a.ts', content: 'x\ny\n' }),
        call('write_file', { path: 'a.ts', content: 'z\n' }),
        done(),
      ],
      files,
    );
    await task.run();
    assert.deepEqual([task.files.get('new.ts'), task.files.get('a.ts')], ['n\n', 'z\r\n']);
    assert.deepEqual(task.actions, ['create new.ts', 'edit a.ts', 'edit a.ts']);
  });

  it('write_file refuses a file that changed since it was read', async () => {
    const task = bench((_, turn) => {
      if (turn === 0) return call('read_file', { path: 'a.ts' });
      task.files.set('a.ts', 'changed by the user');
      return turn === 1 ? call('write_file', { path: 'a.ts', content: 'mine' }) : done();
    }, files);
    assert.match(resultsOf(await task.run())[1]!, /has changed since you read it/);
    assert.deepEqual(task.actions, []);
  });

  it('write_file refuses a file of which only a part was read', async () => {
    const long = Array.from({ length: 2000 }, (_, i) => `line ${i}`).join('\n');
    for (const args of [{ offset: 2 }, { limit: 3 }, {}]) {
      const task = bench(
        [
          call('read_file', { path: 'long', ...args }),
          call('write_file', { path: 'long', content: 'x' }),
          done(),
        ],
        { long },
      );
      assert.match(resultsOf(await task.run())[1]!, /have not read all of it/);
      assert.equal(task.files.get('long'), long);
    }
  });

  it('write_file refuses a file of which only a part was read, also after a change of that part', async () => {
    const long = Array.from({ length: 2000 }, (_, i) => `line ${i};`).join('\n');
    const patch = '*** Begin Patch\n*** Update File: long\n@@\n-line 7;\n+seven\n*** End Patch';
    for (const change of [
      call('edit_file', { path: 'long', old_text: 'line 7;', new_text: 'seven' }),
      call('run_command', { command: `apply_patch <<'EOF'\n${patch}\nEOF` }),
    ]) {
      const write = call('write_file', { path: 'long', content: 'x' });
      const task = bench([call('read_file', { path: 'long', limit: 9 }), change, write, done()], { long });
      assert.match(resultsOf(await task.run())[2]!, /have not read all of it/);
      assert.equal(task.files.get('long'), long.replace('line 7;', 'seven'));
    }
  });

  it('todo tells the steps', async () => {
    const task = bench([call('todo', { items: ['[x] read', '[>] write', 'test', '- [ ] ship'] }), done()]);
    await task.run();
    const event = task.events.find(one => one.type === 'todo');
    assert.deepEqual(event?.type === 'todo' && event.items, [
      { text: 'read', state: 'done' },
      { text: 'write', state: 'doing' },
      { text: 'test', state: 'open' },
      { text: 'ship', state: 'open' },
    ]);
  });
});
