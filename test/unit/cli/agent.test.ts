import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AgentCommandOptions, checkpointFolder, work } from '../../../src/cli/agent.ts';
import { parseApprovals } from '../../../src/cli/agent-approval.ts';
import { type AgentReport, reporting } from '../../../src/cli/agent-report.ts';
import { type UndoReport, undoLastRun } from '../../../src/cli/agent-undo.ts';
import { createProgram } from '../../../src/cli/program.ts';
import type { ModelInfo } from '../../../src/protocol/daemon.ts';
import { readGrammar } from '../../support/grammars.ts';
import { call, done, type Model, type ModelAnswer, scriptedModel } from '../../support/scripted-model.ts';
import { memoryTerminal } from './scripted-engine.ts';

describe('what the agent may do on the command line', () => {
  const parses = (text: string, everything: boolean, edits: boolean, commands: string[]) =>
    it(text, () => assert.deepEqual(parseApprovals(text), { everything, edits, commands }));
  parses('none', false, false, []);
  parses('all', true, true, []);
  parses('edits', false, true, []);
  parses('commands:npm test,npm run lint', false, false, ['npm test', 'npm run lint']);
  parses('edits,commands:npm test', false, true, ['npm test']);

  it('refuses what it does not know', () => {
    assert.throws(() => parseApprovals('everything'), /"everything" is none of/);
    assert.throws(() => parseApprovals('edits,all'), /"all" is none of/);
  });
});

describe('moebius agent', () => {
  let folder: string;
  const homeBefore = process.env.MOEBIUS_HOME;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'moebius-agent-'));
    process.env.MOEBIUS_HOME = `${folder}-home`;
    await writeFile(join(folder, 'a.js'), 'module.exports = 1;\n');
    await writeFile(join(folder, 'check.js'), "process.exit(require('./a.js') === 2 ? 0 : 1);\n");
  });
  afterEach(async () => {
    if (homeBefore === undefined) delete process.env.MOEBIUS_HOME;
    else process.env.MOEBIUS_HOME = homeBefore;
    for (const one of [folder, `${folder}-home`]) await rm(one, { recursive: true, force: true });
  });

  async function agent(
    answers: Model | ModelAnswer[],
    options: Partial<AgentCommandOptions>,
    {
      contextTokens = 16_000,
      signal,
      task = 'make it 2',
      packageFolder = '',
    }: { contextTokens?: number; signal?: AbortSignal; task?: string; packageFolder?: string } = {},
  ) {
    const backend = scriptedModel(answers);
    const capabilities = { toolCalls: true };
    const engine = {
      info: () => ({ id: 'scripted', parameters: 1e9, capabilities, contextTokens }) as ModelInfo,
      generate: backend.generate.bind(backend) as never,
      complete: backend.complete.bind(backend) as never,
      count: backend.count.bind(backend) as never,
    };
    const terminal = { ...memoryTerminal('', signal), packageFolder };
    const all: AgentCommandOptions = {
      variant: 'int4',
      context: 16_000,
      workspace: folder,
      approve: parseApprovals('none'),
      mode: 'agent',
      profile: 'native',
      maxTurns: 10,
      maxMinutes: 1,
      rules: true,
      json: true,
      ...options,
    };
    const failure = await reporting(terminal, true, report => work(engine, terminal, task, all, report)).then(
      () => null,
      error => error,
    );
    const report: AgentReport & { error?: object } = JSON.parse(terminal.output());
    return { report, failure, errors: terminal.errors(), backend };
  }
  const edit = call('edit_file', { path: 'a.js', old_text: '1', new_text: '2' });

  it('reports what was done, and succeeds when the check passes', async () => {
    const { report, failure, errors } = await agent([edit, done('It is 2.')], {
      approve: parseApprovals('edits'),
      check: 'node check.js',
    });
    assert.equal(failure, null);
    assert.match(await readFile(join(folder, 'a.js'), 'utf8'), /= 2/);
    const { reason, text, profile, model, turns, filesChanged, commands, checkPassed } = report;
    assert.deepEqual([reason, text, profile, model, turns], ['done', 'It is 2.', 'native', 'scripted', 2]);
    assert.deepEqual(filesChanged, [{ path: 'a.js', kind: 'edit', addedLines: 1, removedLines: 1 }]);
    assert.deepEqual([commands, checkPassed], [[{ command: 'node check.js', exitCode: 0 }], true]);
    assert.match(errors, /\* Edit a\.js/);
  });

  it('fails when the check does not pass, although the model says it is done', async () => {
    const { report, failure } = await agent([done('It was 2 already.')], { check: 'node check.js' });
    assert.equal(report.checkPassed, false);
    assert.deepEqual(report.commands, [{ command: 'node check.js', exitCode: 1 }]);
    assert.deepEqual(
      [failure.code, failure.message],
      ['unfinished', 'The check does not pass: node check.js'],
    );
  });

  it('fails when the check that was named can not run', async () => {
    const { report, failure } = await agent([edit, done(), done()], {
      approve: parseApprovals('edits'),
      check: 'no-such-program',
    });
    assert.deepEqual([report.checkPassed, report.commands.at(-1)?.exitCode], [false, 127]);
    assert.deepEqual(
      [failure.code, failure.message],
      ['unfinished', 'The check does not pass: no-such-program'],
    );
  });

  it('runs no check where nothing may be run', async () => {
    for (const mode of ['plan', 'ask'] as const) {
      const { report, failure } = await agent(['It is 1.'], { mode, check: 'node check.js' });
      assert.equal(failure, null);
      assert.deepEqual([report.commands, report.checkPassed], [[], null]);
    }
  });

  it('takes no version of a small model that does not parse, and fails', async () => {
    const packageFolder = `${folder}-home`;
    const grammars = join(packageFolder, 'dist', 'grammars');
    await mkdir(grammars, { recursive: true });
    for (const name of ['web-tree-sitter.wasm', 'tree-sitter-javascript.wasm'])
      await writeFile(join(grammars, name), await readGrammar(name));
    const broken: Model = (_, turn) => `\`\`\`js\nmodule.exports = 1;\nmodule.two = [${turn};\n\`\`\``;
    const options = { profile: 'guided', approve: parseApprovals('edits') } as const;
    const task = 'Add two to a.js.';
    const { report, failure } = await agent(broken, options, { task, packageFolder });
    assert.deepEqual([report.reason, failure.code], ['limit', 'unfinished']);
    assert.equal(await readFile(join(folder, 'a.js'), 'utf8'), 'module.exports = 1;\n');
    const without = await agent(broken, options, { task, packageFolder: folder });
    assert.equal(without.report.reason, 'done');
    assert.match(without.errors, /No grammar, so syntax errors are overlooked/);
  });

  it('denies what is not allowed when nobody is there to ask', async () => {
    const run = call('run_command', { command: 'node -e "process.exit(0)"' });
    const { report } = await agent([edit, run, done('I may not.')], {});
    assert.match(await readFile(join(folder, 'a.js'), 'utf8'), /= 1/);
    assert.deepEqual([report.filesChanged, report.commands], [[], []]);
  });

  it('runs the commands that are allowed, word for word', async () => {
    const run = (command: string) => call('run_command', { command });
    const { report } = await agent([run('node check.js'), run('node check.js --more'), done()], {
      approve: parseApprovals('commands:node check.js'),
    });
    assert.deepEqual(report.commands, [{ command: 'node check.js', exitCode: 1 }]);
  });

  it('fails when the model says that it can not be done, in its words, whatever the check says', async () => {
    const given = call('task_done', { summary: 'There is no b.js.', could_not: true });
    const { report, failure } = await agent([edit, given], {
      approve: parseApprovals('edits'),
      check: 'node check.js',
    });
    assert.deepEqual([report.reason, report.text], ['unfinished', 'There is no b.js.']);
    assert.deepEqual(
      [failure.code, failure.message],
      ['unfinished', 'The task is not done (unfinished): There is no b.js.'],
    );
  });

  it('reports why it could not begin, and nothing beside what came of a task', async () => {
    for (const [given, code] of [
      [{ mcp: '/nowhere/mcp.json' }, 'bad-request'],
      [{ workspace: '/nowhere' }, 'not-found'],
    ] as const) {
      const { report, failure } = await agent([], given);
      assert.deepEqual(report, { error: { code, message: failure.message } });
    }
    for (const json of [['--json'], []]) {
      const terminal = { ...memoryTerminal(''), packageFolder: '' };
      const command = createProgram(terminal, '1').parseAsync(['agent', 'x', ...json], { from: 'user' });
      await assert.rejects(command, { code: 'model-missing' });
      assert.match(
        terminal.output(),
        json.length > 0 ? /^\{\n {2}"error": \{\n {4}"code": "model-missing"/ : /^$/,
      );
    }
  });

  it('fails when a budget is used up', async () => {
    const { failure } = await agent([call('list_dir')], { maxTurns: 1 });
    assert.match(failure.message, /not done \(limit\).*continued/);
  });

  it('reports what was done before it was cancelled, and ends as cancelled', async () => {
    const stop = new AbortController();
    const answer = () => {
      stop.abort();
      return edit;
    };
    const { report, failure } = await agent(answer, { check: 'node check.js' }, { signal: stop.signal });
    assert.deepEqual([report.reason, failure.code], ['stopped', 'cancelled']);
  });

  it('counts on the window that the model has, not on the one that was asked for', async () => {
    const { backend } = await agent([done()], { context: 65_536 }, { contextTokens: 8000 });
    const [request] = backend.requests;
    assert.ok(request?.kind === 'generate' && request.params.maxTokens! < 8000);
  });

  it('starts the MCP servers of a file, and lets none be called unasked', async () => {
    const server = join(__dirname, '../../fixtures/mcp/server.cjs');
    const file = join(folder, 'mcp.json');
    await writeFile(
      file,
      JSON.stringify({ servers: { test: { command: process.execPath, args: [server] } } }),
    );
    const answers = [call('mcp_test_add', { a: 1, b: 2 }), done()];
    const results = async (approve: string) => {
      const { backend } = await agent([...answers], { mcp: file, approve: parseApprovals(approve) });
      const last = backend.requests.at(-1)!;
      return last.kind === 'generate' ? last.params.messages!.at(-1)!.content : '';
    };
    assert.equal(await results('all'), '3');
    assert.match(await results('edits'), /^Not allowed by --approve/);
  }).timeout(30_000);

  describe('--undo', () => {
    const text = () => readFile(join(folder, 'a.js'), 'utf8');
    const editTo = (before: string, after: string) =>
      agent([call('edit_file', { path: 'a.js', old_text: before, new_text: after }), done()], {
        approve: parseApprovals('edits'),
      });
    /** `answer`: what a person types; null: nobody is there. */
    async function undo(answer: string | null = null) {
      const terminal = memoryTerminal(answer ?? '');
      if (answer !== null) terminal.stdin.isTTY = true;
      const checkpoints = await checkpointFolder(folder);
      const failure = await reporting(terminal, true, report =>
        undoLastRun(terminal, folder, checkpoints, report),
      ).then(
        () => null,
        error => error,
      );
      const report: UndoReport & { error?: object } = JSON.parse(terminal.output());
      return { report, failure, errors: terminal.errors() };
    }

    it('takes back one run after another, the newest first', async () => {
      await editTo('1', '2');
      await new Promise(resolve => setTimeout(resolve, 2));
      await editTo('2', '3');
      const { report, failure, errors } = await undo();
      assert.deepEqual([report?.restored, report?.kept, failure], [['a.js'], [], null]);
      assert.match(await text(), /= 2/);
      assert.match(errors, /takes 0 of at most 200 MB/);
      await undo();
      assert.match(await text(), /= 1/);
      const none = await undo();
      assert.equal(none.failure.code, 'not-found');
      assert.deepEqual(none.report.error, { code: 'not-found', message: none.failure.message });
    });

    it('keeps what was changed since when nobody is there to ask, and fails', async () => {
      await editTo('1', '2');
      await writeFile(join(folder, 'a.js'), 'mine\n');
      const { report, failure } = await undo();
      assert.deepEqual([report?.restored, report?.kept, failure.code], [[], ['a.js'], 'unfinished']);
      assert.equal(await text(), 'mine\n');
      assert.deepEqual((await undo('y\n')).report?.restored, ['a.js']);
      assert.match(await text(), /= 1/);
    });

    it('asks, and what is kept is decided', async () => {
      await editTo('1', '2');
      await writeFile(join(folder, 'a.js'), 'mine\n');
      const { report, errors } = await undo('n\n');
      assert.match(errors, /a\.js was changed since/);
      assert.deepEqual(report?.kept, ['a.js']);
      assert.equal((await undo('n\n')).failure.code, 'not-found');
      assert.equal(await text(), 'mine\n');
    });
  });

  it('tells what was left out of the rules', async () => {
    await writeFile(join(folder, 'AGENTS.md'), 'x'.repeat(9000));
    const { errors } = await agent([done()], {});
    assert.match(errors, /\(The rules are 9,\d{3} bytes long .* AGENTS\.md\.\)/);
  });

  it('reads the rules of the workspace, unless they are a stranger', async () => {
    await writeFile(join(folder, 'AGENTS.md'), 'Use tabs.');
    const system = async (rules: boolean) => {
      const { backend } = await agent([done()], { rules });
      const [request] = backend.requests;
      return request?.kind === 'generate' ? request.params.messages![0]!.content : '';
    };
    assert.match(await system(true), /Use tabs\./);
    assert.doesNotMatch(await system(false), /Use tabs\./);
    await writeFile(join(`${folder}-home`, 'AGENTS.md'), 'Be brief.');
    assert.match(await system(true), /Rules of the user:\nBe brief\.\n\nRules in AGENTS\.md:\nUse tabs\./);
    assert.match(await system(false), /Rules of the user:\nBe brief\.$/);
  });

  it('reads those of a folder that the task comes to', async () => {
    await mkdir(join(folder, 'src'));
    await writeFile(join(folder, 'src', 'AGENTS.md'), 'No classes.');
    const told = async (rules: boolean) => {
      const { backend } = await agent([call('list_dir', { path: 'src' }), done()], { rules });
      return JSON.stringify(backend.requests.at(-1)?.params).includes('Rules in src/AGENTS.md');
    };
    assert.deepEqual([await told(true), await told(false)], [true, false]);
  });
});
