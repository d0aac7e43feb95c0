import '../../../support/vscode.ts';

import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type * as vscode from 'vscode';
import type { AgentEvent } from '../../../../src/agent/ports.ts';
import type { AgentTask } from '../../../../src/host/agent/runner.ts';
import { type AgentWindow, VsCodeAgent } from '../../../../src/host/agent/vscode-agent.ts';
import type { HostContext } from '../../../../src/host/context.ts';
import { testGrammars } from '../../../support/grammars.ts';
import { call, done, promptsOf, scriptedModel } from '../../../support/scripted-model.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { editor, Range, type TextDocument } from '../../../support/vscode.ts';

describe('host/agent/vscode-agent', () => {
  let agent: VsCodeAgent;
  let storage: string;
  let isChanged: boolean;
  /** What the user is told to be waited for. */
  let announced: string[];
  beforeEach(() => {
    editor.reset();
    announced = [];
    isChanged = false;
  });
  afterEach(async () => {
    agent.dispose();
    // What is still being stored is stored before its folder is removed: in the end all is decided about.
    const stored = () => readFile(join(storage, 'review.json'), 'utf8').catch(() => '');
    for (let round = 0; isChanged && (await stored()) !== '[]'; round++) {
      assert.ok(round < 2000, 'never stored');
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  });

  /** The agent in a window with a folder that was opened through a link, and a file of it that is shown. */
  function open(files: Record<string, string>) {
    const link = join(tempFolder(), 'link');
    symlinkSync(tempFolder(files), link);
    editor.folders = [link];
    editor.settings = { 'moebius.agent.profile': 'native' };
    const memory = new Map<string, unknown>([['moebius.agent.mode', 'agent']]);
    storage = tempFolder();
    const extension = {
      storageUri: { fsPath: storage },
      workspaceState: {
        get: (key: string, fallback: unknown) => memory.get(key) ?? fallback,
        update: async (key: string, value: unknown) => void memory.set(key, value),
      },
    };
    const log = { warn: (message: string) => assert.fail(message) };
    const during = (text: string, _chat: unknown, wait: unknown) => {
      announced.push(text);
      return wait;
    };
    const window = { attention: { during } };
    const context = { extension, log, grammars: testGrammars() } as unknown as HostContext;
    agent = new VsCodeAgent(context, window as unknown as AgentWindow);
    return editor.open(join(link, Object.keys(files)[0]!));
  }

  /** A task that is carried out by these answers. */
  async function run(answers: string[], turnId = 'turn', given: Partial<AgentTask> = {}, expected = 'done') {
    const backend = scriptedModel(answers);
    const events: AgentEvent[] = [];
    const task = {
      ask: { kind: 'ask', id: 'ask', at: 0, text: 'Do it.', expanded: null, attachments: [] },
      turnId,
      mode: 'agent',
      backend,
      model: { contextTokens: 8000 },
      level: 'exact',
      history: [],
      torn: [],
      news: '',
      approval: { ask: async () => ({ kind: 'once' }) },
      questions: { ask: async () => null },
      emit: (event: AgentEvent) => void events.push(event),
      signal: new AbortController().signal,
      ...given,
    } as unknown as AgentTask;
    const { reason } = await agent.run(task);
    assert.equal(reason, expected);
    isChanged ||= events.some(event => event.type === 'result' && event.changes.length > 0);
    return { events, prompts: promptsOf(backend), requests: backend.requests };
  }

  const lenses = (document: TextDocument) =>
    agent.review
      .provideCodeLenses(document as unknown as vscode.TextDocument)
      .map(({ command }) => command!.title);
  const edit = call('edit_file', { path: 'a.ts', old_text: 'one', new_text: 'two' });

  it('in a folder that was opened through a link: the open file, its problems and the review are of the document', async () => {
    const document = open({ 'a.ts': 'one\n' });
    const problem = { range: new Range(0, 0, 0, 3), severity: 0, message: 'bad', source: 'ts' };
    editor.diagnostics = [[document.uri, [problem]]];
    const problems = call('get_diagnostics', { paths: ['a.ts'] });
    const { prompts, events } = await run([problems, call('read_file', { path: 'a.ts' }), edit, done()]);
    assert.match(prompts[0]!.at(-1)!.content, /Open file: a\.ts/);
    const results = events.flatMap(event => (event.type === 'result' ? [event.text] : []));
    assert.match(results[0]!, /a\.ts:1:1: error: bad/);
    document.reload();
    assert.deepEqual(lenses(document), ['Keep', 'Undo']);
    assert.deepEqual(editor.documents, [document], 'no second document of the same file');
    await agent.keep('turn', ['a.ts']);
    assert.deepEqual(lenses(document), []);
  });

  it('carries a task out in the mode in which it was sent, whatever is chosen for the next message', async () => {
    const document = open({ 'a.ts': 'one\n' });
    await agent.chooseMode('ask');
    await run([call('read_file', { path: 'a.ts' }), edit, done()]);
    document.reload();
    assert.equal(document.getText(), 'two\n');
    await agent.keep('turn', ['a.ts']);
  });

  it('a command that runs when the folders change runs to its end', async () => {
    open({ 'a.ts': 'one\n' });
    const command = 'echo began; while [ ! -e go ]; do sleep 0.05; done; echo ended';
    const emit = (event: AgentEvent) => {
      events.push(event);
      if (event.type !== 'output' || !event.text.includes('began')) return;
      const [folder] = editor.folders;
      editor.folders = [folder!, tempFolder()];
      agent.reopen();
      writeFileSync(join(folder!, 'go'), '');
    };
    const events: AgentEvent[] = [];
    await run([call('run_command', { command }), done()], 'turn', { emit });
    const results = events.flatMap(event => (event.type === 'result' ? [event.summary] : []));
    assert.equal(results[0], 'Exit code 0');
  });

  it('keeps its rows apart from those of ask mode, whose system prompt is another', async () => {
    open({ 'a.ts': 'one\n' });
    const { requests } = await run([done()]);
    const sequences = requests.flatMap(({ kind, params }) => (kind === 'generate' ? [params.sequence] : []));
    assert.deepEqual(sequences, ['agent']);
  });

  it('reads the rules for ask mode: the user, the project, the folder of the open file, no skills', async () => {
    open({
      'src/a.ts': 'one\n',
      'AGENTS.md': 'Use tabs.',
      'src/AGENTS.md': 'No classes.',
      '.moebius/skills/pdf/SKILL.md': '---\ndescription: Fill in\n---\nDo.',
    });
    editor.settings = { 'moebius.agent.rules': 'Be brief.' };
    const heads =
      'Rules of the user:\nBe brief.\n\nRules in AGENTS.md:\nUse tabs.\n\nRules in src/AGENTS.md:\n';
    assert.equal(await agent.rules(), `${heads}No classes.`);
    editor.folders = [];
    assert.equal(await agent.rules(), 'Rules of the user:\nBe brief.');
  });

  it('names rules as new neither at the first visit nor to who reads skills first, and says once what is cut', async () => {
    open({ 'a.ts': '', 'web/b.ts': '', 'web/AGENTS.md': 'Near.' });
    const [folder] = editor.folders;
    const write = (path: string, text: string) => {
      mkdirSync(dirname(join(folder!, path)), { recursive: true });
      writeFileSync(join(folder!, path), text);
    };
    write('.moebius/skills/pdf/SKILL.md', '---\ndescription: Fill in\n---\nDo.');
    editor.isTrusted = false;
    await agent.rules();
    editor.isTrusted = true;
    await agent.rules();
    const noticesOf = async (path: string) => {
      const { events } = await run([call('read_file', { path }), done()]);
      return events.flatMap(event => (event.type === 'notice' ? [event.text] : []));
    };
    assert.deepEqual([await noticesOf('web/b.ts'), editor.warnings], [[], []]);
    write('web/AGENTS.md', 'Other.');
    assert.match((await noticesOf('web/b.ts')).join(), /^New or changed .*: web\/AGENTS\.md\./);
    write('AGENTS.md', 'x'.repeat(9000));
    await agent.rules();
    assert.equal(editor.warnings.length, 2);
    await agent.rules();
    assert.equal(editor.warnings.length, 2);
  });

  it('checks in the folder of the open file, for as long as a check may take', async () => {
    open({ 'a.ts': 'one\n' });
    const two = tempFolder({ 'b.ts': 'one\n' });
    editor.folders = [tempFolder(), two];
    editor.open(join(two, 'b.ts'));
    editor.settings['moebius.agent.checkCommand'] = 'sleep 0.3; pwd';
    editor.settings['moebius.agent.commandTimeoutMs'] = 20;
    const path = `${basename(two)}/b.ts`;
    const change = call('edit_file', { path, old_text: 'one', new_text: 'two' });
    const { events } = await run([call('read_file', { path }), change, done()]);
    const results = events.flatMap(event => (event.type === 'result' ? [event.text] : []));
    assert.match(results.at(-1)!, new RegExp(`^Exit code 0\\.\n.*/${basename(two)}\\s*$`));
    await agent.keep('turn', [path]);
  });

  it('a model that is led goes on with what was asked at first', async () => {
    open({ 'a.ts': 'one\n' });
    editor.settings = { 'moebius.agent.profile': 'guided' };
    const asked = (text: string): AgentTask['ask'] => ({
      ...{ kind: 'ask', id: text, at: 0, text },
      ...{ expanded: null, attachments: [] },
    });
    const given = { ask: asked('Go on with the task.'), first: asked('What does a.ts hold?') };
    const { prompts } = await run(['One.'], 'turn', given, 'answered');
    assert.match(prompts[0]!.at(-1)!.content, /What does a\.ts hold\?$/);
  });

  /** A turn that changed three files and was torn; the user has decided about the second, and changed the third. */
  async function torn() {
    const names = ['a.ts', 'b.ts', 'c.ts'];
    const document = open(Object.fromEntries(names.map(name => [name, 'one\n'])));
    const calls = names.flatMap(path => [
      call('read_file', { path }),
      call('edit_file', { path, old_text: 'one', new_text: 'two' }),
    ]);
    await run([...calls, done()], 'torn');
    announced = [];
    const at = (name: string) => join(editor.folders[0]!, name);
    writeFileSync(at('c.ts'), 'mine\n');
    editor.settings = { 'moebius.agent.profile': 'guided' };
    const undone: string[][] = [];
    const torn = { turnId: 'torn', decided: ['b.ts'], undone: (paths: string[]) => undone.push(paths) };
    const ask = (text: string) => ({ text, expanded: null, attachments: [] }) as unknown as AgentTask['ask'];
    const given = { torn: [torn], ask: ask('Go on with the task.'), first: ask('Let a.ts be three.') };
    const texts = () => Promise.all(names.map(name => readFile(at(name), 'utf8')));
    return { document, undone, given, ask, texts };
  }

  it('a model that is led finds the files of a torn turn as they were, but for what the user has decided or changed', async () => {
    const { document, undone, given, texts } = await torn();
    const { prompts, events } = await run(['```ts\nthree\n```'], 'turn', given);
    assert.match(prompts[0]!.at(-1)!.content, /\none\n/);
    assert.deepEqual(undone, [['a.ts']]);
    assert.match(events.find(event => event.type === 'notice')?.text ?? '', /a\.ts is put back/);
    assert.match(editor.warnings.join(), /^c\.ts was changed since\.$/);
    assert.equal(announced[0], 'Moebius asks: Overwrite what was changed since?');
    assert.deepEqual(await texts(), ['three\n', 'two\n', 'mine\n']);
    document.reload();
    await agent.undo('turn', ['a.ts']);
    await agent.keep('torn', ['b.ts', 'c.ts']);
  });

  it('a stop does not wait for what is to become of a file of a torn turn that was changed since', async () => {
    const { undone, given, texts } = await torn();
    const stop = new AbortController();
    let overwrite = (_choice: string) => {};
    editor.answerWarning = () => {
      stop.abort();
      return new Promise(resolve => {
        overwrite = resolve;
      });
    };
    const { events } = await run([], 'turn', { ...given, signal: stop.signal }, 'stopped');
    overwrite('Overwrite');
    assert.match(events.find(event => event.type === 'notice')?.text ?? '', /a\.ts is put back/);
    assert.deepEqual([undone, await texts()], [[['a.ts']], ['one\n', 'two\n', 'mine\n']]);
    await agent.keep('torn', ['b.ts', 'c.ts']);
  });

  it('leaves a torn turn as it is while nothing may be written', async () => {
    const { undone, given, ask, texts } = await torn();
    await agent.choosePolicy('read-only');
    await run(['One.'], 'turn', { ...given, first: ask('What does a.ts hold?') }, 'answered');
    assert.deepEqual([undone, editor.warnings, await texts()], [[], [], ['two\n', 'two\n', 'mine\n']]);
    await agent.keep('torn', ['a.ts', 'b.ts', 'c.ts']);
  });

  /** Two turns, each with a change of its own that is not decided about, in the lines 0 and 2. */
  async function twoTurns() {
    const document = open({ 'a.ts': 'one\n2\nthree\n' });
    const second = call('edit_file', { path: 'a.ts', old_text: 'three', new_text: 'four' });
    await run([call('read_file', { path: 'a.ts' }), edit, done()], 'first');
    document.reload();
    await run([call('read_file', { path: 'a.ts' }), second, done()], 'second');
    document.reload();
    assert.deepEqual(places(document), [0, 2]);
    return document;
  }
  const places = (document: TextDocument) =>
    agent.review
      .provideCodeLenses(document as unknown as vscode.TextDocument)
      .filter(({ command }) => command!.title === 'Keep')
      .map(({ range }) => range.start.line);

  it('undoing or keeping a turn leaves what another has changed in the file to be decided about', async () => {
    for (const turn of ['first', 'second']) {
      const document = await twoTurns();
      await agent.keep(turn, ['a.ts']);
      assert.deepEqual(places(document), turn === 'first' ? [2] : [0]);
      await agent.keep(turn === 'first' ? 'second' : 'first', ['a.ts']);
      assert.deepEqual(places(document), []);
      agent.dispose();
    }
    const document = await twoTurns();
    await agent.undo('second', ['a.ts']);
    document.reload();
    assert.deepEqual([document.getText(), places(document)], ['two\n2\nthree\n', [0]]);
    await agent.undo('first', ['a.ts']);
    document.reload();
    assert.deepEqual([document.getText(), places(document)], ['one\n2\nthree\n', []]);
  });

  it('a hunk that was kept while the task goes on is not asked about again when it changes the file further', async () => {
    const document = open({ 'a.ts': 'one\n2\nthree\n' });
    const second = call('edit_file', { path: 'a.ts', old_text: 'three', new_text: 'four' });
    let edits = 0;
    const ask = async () => {
      if (++edits === 2) {
        document.reload();
        for (let round = 0; places(document).length === 0; round++) {
          assert.ok(round < 2000, 'never shown');
          await new Promise(resolve => setTimeout(resolve, 5));
        }
        await agent.review.keep(document.uri as unknown as vscode.Uri, 0);
      }
      return { kind: 'once' } as const;
    };
    await run([call('read_file', { path: 'a.ts' }), edit, second, done()], 'turn', { approval: { ask } });
    document.reload();
    assert.deepEqual(places(document), [2]);
    await agent.undo('turn', ['a.ts']);
    document.reload();
    assert.deepEqual([document.getText(), places(document)], ['one\n2\nthree\n', []]);
  });

  it('says that a turn is forgotten, and leaves its review and its files as they are', async () => {
    const document = open({ 'a.ts': 'one\n' });
    await run([call('read_file', { path: 'a.ts' }), edit, done()]);
    document.reload();
    assert.deepEqual(await agent.undo('forgotten', ['a.ts']), []);
    assert.match(editor.warnings.join(), /What a\.ts was before is no longer kept/);
    assert.deepEqual(lenses(document), ['Keep', 'Undo']);
    assert.deepEqual(await agent.undo('turn', ['a.ts']), ['a.ts']);
    document.reload();
    assert.deepEqual([document.getText(), lenses(document).length], ['one\n', 0]);
  });
});
