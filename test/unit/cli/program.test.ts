import assert from 'node:assert/strict';
import { CommanderError } from 'commander';
import { createProgram } from '../../../src/cli/program.ts';
import { memoryTerminal } from './scripted-engine.ts';

describe('the command line', () => {
  const run = async (...args: string[]) => {
    const terminal = memoryTerminal();
    const error = await createProgram(terminal, '1.2.3')
      .parseAsync(['node', 'moebius', ...args])
      .then(
        () => null,
        (thrown: unknown) => thrown,
      );
    return { error, output: terminal.output(), errors: terminal.errors() };
  };

  it('has a help with an example for every command', async () => {
    for (const command of createProgram(memoryTerminal(), '').commands) {
      for (const leaf of command.commands.length > 0 ? command.commands : [command]) {
        const path = leaf === command ? [command.name()] : [command.name(), leaf.name()];
        const { output, error } = await run(...path, '--help');
        assert.ok(error instanceof CommanderError && error.exitCode === 0, path.join(' '));
        assert.match(output, /Examples?:\n {2}\$ .*moebius /, path.join(' '));
      }
    }
  });

  const refuse = (args: string[], message: RegExp) =>
    it(`refuses ${args.join(' ')}`, async () => {
      const { error, errors } = await run(...args);
      assert.ok(error instanceof CommanderError && error.exitCode !== 0);
      assert.match(errors, message);
    });
  refuse(['sing'], /unknown command 'sing'/);
  refuse(['generate', '--threads', '0'], /whole number above 0/);
  refuse(['generate', '--experts', 'most'], /Allowed choices are exact, balanced/);
  refuse(['generate', '--temperature', 'hot'], /must be a number/);
  refuse(['convert', 'a.gguf'], /--out/);
  refuse(['convert', 'a.gguf', '--out', 'b', '--id', 'my/model'], /can't name a model/);
  refuse(['model', 'add', 'qwen2.5-coder-1.5b', '--id', 'a b'], /can't name a model/);
  for (const [option, value] of [
    ['--seed', '0.5'],
    ['--seed', '1e300'],
    ['--shared', '-1'],
    ['--held', 'some'],
  ] as const) {
    const carve = ['carve', 'm.gguf', '--corpus', 'c', '-o', 'o', '--groups', '4', '--shared', '1'];
    refuse([...carve, option, value], /whole number from 0/);
  }
  refuse(['agent'], /give a task, or --undo/);
  refuse(['agent', 'do it', '--undo'], /give a task, or --undo/);

  it('prints its version', async () => assert.equal((await run('--version')).output, '1.2.3\n'));
});
