import assert from 'node:assert/strict';
import { WorkspaceFolders } from '../../../src/workspace/folders.ts';
import { NodeTerminal } from '../../../src/workspace/node-terminal.ts';
import { OutputStore } from '../../../src/workspace/output-store.ts';
import { TerminalText } from '../../../src/workspace/terminal-text.ts';
import { tempFolder } from '../../support/temp-folder.ts';

describe('what a terminal would show', () => {
  const check = (what: string, input: string | Buffer, expected: string) =>
    it(what, () => {
      const bytes = Buffer.from(input);
      const whole: string[] = [];
      const text = new TerminalText(line => whole.push(line));
      text.write(bytes);
      text.end();
      assert.equal(whole.join('\n'), expected);
      // The same, however it is cut.
      const bitwise: string[] = [];
      const cut = new TerminalText(line => bitwise.push(line));
      for (const byte of bytes) cut.write(Buffer.of(byte));
      cut.end();
      assert.deepEqual(bitwise, whole);
    });
  check('colours are left out', '\x1b[1;31mred\x1b[0m text\n', 'red text');
  check('a carriage return overwrites', '10%\r20%\r100%\ndone', '100%\ndone');
  check('what is longer stays behind it', 'rm -rf /\rls', 'ls -rf /');
  check('erasing the line', 'long text\r\x1b[Kshort\n', 'short');
  check('erasing the whole line', 'long text\x1b[2K\rshort\n', 'short');
  check('Windows line ends', 'a\r\nb\r\n', 'a\nb');
  check('a backspace', 'abc\b\bX\n', 'aXc');
  check('a link (OSC 8) keeps its text', '\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\\n', 'click');
  check('the clipboard (OSC 52) is left alone', 'a\x1b]52;c;cm0gLXJm\x07b\n', 'ab');
  check('shell marks (OSC 633)', '\x1b]633;E;rm -rf /\x07\x1b]633;C\x07out\n', 'out');
  check('a sequence that never ends', 'a\x1b]52;c;visible', 'a]52;c;visible');
  check('single escapes', '\x1b7\x1b(Bx\x1b8\x1b=\n', 'x');
  check('control characters', 'a\x00\x07\x0e\x7fb\n', 'ab');
  check('UTF-8 cut anywhere', 'größe 👩‍💻\n', 'größe 👩‍💻');
  check('bytes that are none', Buffer.from([0x61, 0xff, 0x62, 0x0a]), 'a\ufffdb');
  check('a line of 100,000 characters', `${'x'.repeat(100_000)}\nend`, `${'x'.repeat(4000)}…\nend`);
});

describe('the output of a command', () => {
  const filled = (lines: number, size: number): OutputStore => {
    const store = new OutputStore();
    for (let line = 0; line < lines; line++) store.write(Buffer.from(`${String(line).padEnd(size, '.')}\n`));
    store.end();
    return store;
  };

  it('is paged by line', () => {
    const store = filled(10, 2);
    assert.equal(store.totalLines, 10);
    assert.equal(store.page(2, 2), '2.\n3.');
    assert.equal(store.page(9, 5), '9.');
    assert.equal(store.page(20, 5), '');
  });

  it('keeps its beginning and its end when it is too much, numbered as printed', () => {
    const store = filled(5000, 1000);
    assert.equal(store.totalLines, 5000);
    const text = store.text();
    assert.ok(text.length < 2.5e6, `${text.length}`);
    assert.match(text, /^0\.+\n1\./);
    assert.match(text, /lines \d+ to \d+ were too many to keep/);
    assert.equal(store.page(4999, 1).slice(0, 5), '4999.');
    assert.match(store.page(1000, 10), /^\[lines \d+ to \d+ were too many to keep\]$/);
    const last = store.page(0, 5000).split('\n').slice(-2);
    assert.deepEqual(last, [store.page(4998, 1), store.page(4999, 1)]);
    assert.match(store.page(0, 5000), /^0\.+\n1\./);
  });

  it('is named, not shown, when it is binary', () => {
    const store = new OutputStore();
    store.write(Buffer.from(Array.from({ length: 256 }, (_, i) => (i % 4 ? 0 : i))));
    store.end();
    assert.equal(store.text(), '[binary output, 256 bytes]');
  });
});

describe('commands as processes', function () {
  if (process.platform === 'win32') return;
  this.timeout(20_000);
  const terminals: NodeTerminal[] = [];
  const open = async (maxOutputBytes?: number) => {
    const root = tempFolder({ 'sub/a.txt': 'a' });
    const terminal = new NodeTerminal(await WorkspaceFolders.open([root]), maxOutputBytes);
    terminals.push(terminal);
    return { root, terminal };
  };
  afterEach(() => {
    for (const terminal of terminals.splice(0)) terminal.dispose();
  });
  const isAlive = (pid: number): boolean => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };
  const untilDead = async (pid: number): Promise<void> => {
    assert.ok(pid > 0, 'it had not told its id yet');
    while (isAlive(pid)) await new Promise(resolve => setTimeout(resolve, 20));
  };

  it('has its exit code, both outputs and its folder', async () => {
    const { root, terminal } = await open();
    const seen: string[] = [];
    const run = await terminal.run({
      command: 'pwd; echo err >&2; exit 3',
      cwd: 'sub',
      timeoutMs: 10_000,
      onOutput: text => seen.push(text),
    });
    assert.equal(run.state, 'exited');
    assert.equal(run.exitCode, 3);
    assert.deepEqual(run.output.split('\n').sort(), [`${root}/sub`, 'err'].sort());
    assert.equal(seen.join('').length, run.output.length + 1);
  });

  it('has the exit code of a shell when a signal ends it', async () => {
    const { terminal } = await open();
    for (const [signal, code] of [
      ['SEGV', 139],
      ['ABRT', 134],
      ['KILL', 137],
    ] as const) {
      const run = await terminal.run({ command: `kill -${signal} $$`, cwd: '', timeoutMs: 10_000 });
      assert.equal(run.state, 'exited');
      assert.equal(run.exitCode, code);
    }
  });

  it('has no input and no pager', async () => {
    const { terminal } = await open();
    const run = await terminal.run({
      command: 'cat; read x || echo "no input"; echo $PAGER $GIT_TERMINAL_PROMPT $TERM',
      cwd: '',
      timeoutMs: 10_000,
    });
    assert.equal(run.output, 'no input\ncat 0 dumb');
  });

  it('keeps what the user has set for git, and adds to it', async () => {
    const { terminal } = await open();
    const before = process.env['GIT_CONFIG_COUNT'];
    Object.assign(process.env, {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'user.name',
      GIT_CONFIG_VALUE_0: 'somebody',
    });
    try {
      const command = 'git config user.name; git config core.fsmonitor; git config safe.bareRepository';
      const { output } = await terminal.run({ command, cwd: '', timeoutMs: 10_000 });
      assert.equal(output, 'somebody\nfalse\nexplicit');
    } finally {
      for (const name of ['GIT_CONFIG_KEY_0', 'GIT_CONFIG_VALUE_0']) delete process.env[name];
      if (before === undefined) delete process.env['GIT_CONFIG_COUNT'];
      else process.env['GIT_CONFIG_COUNT'] = before;
    }
  });

  it('changes to folders of the workspace only, whatever the user has set for cd', async () => {
    const { root, terminal } = await open();
    process.env['CDPATH'] = tempFolder({ 'sub/a.txt': 'other' });
    try {
      const { output } = await terminal.run({ command: 'cd sub && pwd', cwd: '', timeoutMs: 10_000 });
      assert.equal(output, `${root}/sub`);
    } finally {
      delete process.env['CDPATH'];
    }
  });

  it('goes on in the background when the time is up, and is paged and killed there', async () => {
    const { terminal } = await open();
    const run = await terminal.run({ command: 'echo begun; sleep 60', cwd: '', timeoutMs: 1500 });
    assert.deepEqual([run.state, run.exitCode, run.output], ['running', null, 'begun']);
    assert.equal(terminal.page(run.id, 0, 10).text, 'begun');
    await terminal.kill(run.id);
    const { state, exitCode } = terminal.page(run.id, 0, 10);
    assert.deepEqual([state, exitCode], ['killed', null]);
  });

  it('is told while it runs, and ended with its task when that is stopped later', async () => {
    const { terminal } = await open();
    const stop = new AbortController();
    const start = (command: string, signal?: AbortSignal) =>
      terminal.run({ command, cwd: '', timeoutMs: 1500, ...(signal && { signal }) });
    const ours = await start('echo $$; exec sleep 60', stop.signal);
    const other = await start('sleep 61');
    assert.deepEqual(terminal.running(), [
      { id: ours.id, command: 'echo $$; exec sleep 60' },
      { id: other.id, command: 'sleep 61' },
    ]);
    stop.abort();
    await untilDead(Number(ours.output));
    assert.deepEqual(terminal.running(), [{ id: other.id, command: 'sleep 61' }]);
    await terminal.kill(other.id);
    assert.deepEqual(terminal.running(), []);
  });

  it('is stopped with everything it started', async () => {
    const { terminal } = await open();
    const stop = new AbortController();
    let child = 0;
    const run = await terminal.run({
      command: 'sleep 60 & echo $!; trap "" TERM; wait; sleep 60',
      cwd: '',
      timeoutMs: 20_000,
      signal: stop.signal,
      onOutput: text => {
        child = Number(text);
        stop.abort();
      },
    });
    assert.deepEqual([run.state, run.exitCode], ['killed', null]);
    await untilDead(child);
  });

  it('is stopped with what left its group too, also where that does not listen', async function () {
    if (process.platform !== 'linux') return this.skip();
    const { terminal } = await open();
    // Of the shell, and of what is in the background, whose parent the shell was.
    for (const command of [
      `setsid bash -c 'trap "" TERM; echo $$; sleep 60' & sleep 60`,
      `(setsid bash -c 'echo $$; exec sleep 60' & sleep 60) & sleep 60`,
      `(setsid bash -c 'echo $$; exec sleep 60' &); sleep 60`,
    ]) {
      const stop = new AbortController();
      let child = 0;
      await terminal.run({
        command,
        cwd: '',
        timeoutMs: 20_000,
        signal: stop.signal,
        onOutput: text => {
          child = Number(text);
          stop.abort();
        },
      });
      await untilDead(child);
    }
  });

  it('goes on as what its shell left behind, is listed so, and ended with its task, by its id, or with the window', async () => {
    const { terminal } = await open();
    const enders: ((id: string, stop: AbortController) => unknown)[] = [
      (_, stop) => stop.abort(),
      id => terminal.kill(id),
      () => terminal.dispose(),
    ];
    for (const [index, end] of enders.entries()) {
      const stop = new AbortController();
      // With the output held, and with it closed.
      const command = `sleep 30 ${index === 1 ? '' : '> log 2>&1'} & echo $!`;
      const startMs = performance.now();
      const run = await terminal.run({ command, cwd: '', timeoutMs: 10_000, signal: stop.signal });
      assert.ok(performance.now() - startMs < 5000, 'the shell is not waited for');
      assert.deepEqual([run.state, run.exitCode], ['running', 0]);
      assert.deepEqual(terminal.running(), [{ id: run.id, command }]);
      assert.ok(isAlive(Number(run.output)));
      await end(run.id, stop);
      await untilDead(Number(run.output));
      const { state, exitCode } = terminal.page(run.id, 0, 1);
      assert.deepEqual([state, exitCode, terminal.running()], ['killed', null, []]);
    }
  });

  it('has ended when what its shell left behind has', async () => {
    const { terminal } = await open();
    const run = await terminal.run({ command: 'sleep 0.5 > log & exit 3', cwd: '', timeoutMs: 10_000 });
    assert.deepEqual([run.state, run.exitCode], ['running', 3]);
    while (terminal.running().length > 0) await new Promise(resolve => setTimeout(resolve, 20));
    const { state, exitCode } = terminal.page(run.id, 0, 1);
    assert.deepEqual([state, exitCode], ['exited', 3]);
  });

  it('is stopped when its output does not end', async () => {
    const { terminal } = await open(1_000_000);
    const run = await terminal.run({ command: 'yes', cwd: '', timeoutMs: 15_000 });
    assert.equal(run.state, 'killed');
    assert.match(run.output, /stopped after 1000000 bytes of output/);
  });

  it('refuses a folder outside and one that is missing', async () => {
    const { terminal } = await open();
    const run = (cwd: string) => terminal.run({ command: 'pwd', cwd, timeoutMs: 1000 });
    await assert.rejects(run('../'), { code: 'refused' });
    await assert.rejects(run('nowhere'), { code: 'not-found' });
    assert.throws(() => terminal.page('c9', 0, 1), { code: 'not-found' });
  });
});
