/** What the guided profile does about a problem that a checker reports. */
import assert from 'node:assert/strict';
import type { Diagnostic } from '../../../../src/agent/ports.ts';
import type { World } from '../../../support/memory-ports.ts';
import { lastOf, play } from './play.ts';

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

  it('is solved with the end that each line has', async () => {
    const mixed = 'const a = 1;\nstays();\r\nconsole.log(b);\nlast();\nend();\n';
    const answer = ts('const a = 2;\nstays();\nconsole.log(a);\nlast();\nmore();\nend();');
    const { files } = await play([answer], { 'a.ts': mixed }, { diagnose }, given);
    assert.equal(files.get('a.ts'), 'const a = 2;\nstays();\r\nconsole.log(a);\nlast();\nmore();\nend();\n');
  });

  it('that only makes room for another is not solved', async () => {
    const answers = [ts('const a = 1;\nsyntax'), 'Log a.', ts('const a = 1;\nconsole.log(a);')];
    const { outcome, files } = await play(answers, { 'a.ts': TEXT }, { diagnose }, given);
    assert.equal(outcome.reason, 'done');
    assert.equal(outcome.turns, 3);
    assert.equal(files.get('a.ts'), 'const a = 1;\r\nconsole.log(a);\r\n');
  });

  it('that only makes room for a warning is solved, unless it is itself no more than that', async () => {
    for (const severity of ['error', 'warning'] as const) {
      const warns: World['diagnose'] = files => {
        const lines = files.get('a.ts')!.split(/\r?\n/);
        const found = (message: string, of: Diagnostic['severity'], line: number): Diagnostic[] =>
          line < 0
            ? []
            : [{ path: 'a.ts', line: line + 1, column: 1, severity: of, message, source: 'lint' }];
        return [
          ...found("Cannot find name 'b'.", severity, lines.indexOf('console.log(b);')),
          ...found('No console.', 'warning', lines.indexOf('console.warn(a);')),
        ];
      };
      const answers = [ts('const a = 1;\nconsole.warn(a);'), 'Log a.', ts('const a = 1;\nconsole.log(a);')];
      const { outcome } = await play(answers, { 'a.ts': TEXT }, { diagnose: warns }, given);
      assert.equal(outcome.reason, 'done');
      assert.equal(outcome.turns, severity === 'error' ? 1 : 3);
    }
  });
});
