import '../../../support/vscode.ts';

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ScriptedBackend } from '../../../../src/backends/scripted.ts';
import { HunkReview } from '../../../../src/host/agent/hunk-review.ts';
import { ReviewStore } from '../../../../src/host/agent/review-store.ts';
import { editCommands } from '../../../../src/host/commands/edit-commands.ts';
import type { HostContext } from '../../../../src/host/context.ts';
import { InlineEdits } from '../../../../src/host/edits/inline-edit.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { editor, Range } from '../../../support/vscode.ts';

const ONE = 'function one() {\n  return 1;\n}\n';

describe('code that is written where there is none', () => {
  const made: { dispose(): void }[] = [];
  beforeEach(() => editor.reset());
  afterEach(() => {
    for (const part of made.splice(0)) part.dispose();
  });

  /** A command with the cursor in a line, and what the model answers to it. */
  async function run(command: string, text: string, line: number, answer: string) {
    const folder = tempFolder({ 'a.ts': text });
    editor.folders = [folder];
    const document = editor.open(join(folder, 'a.ts'));
    const review = new HunkReview(new ReviewStore(join(folder, 'review.json')), message =>
      assert.fail(message),
    );
    const edits = new InlineEdits(review);
    made.push(edits, review);
    const backend = new ScriptedBackend([answer]);
    const commands = editCommands({ backend } as unknown as HostContext, edits) as Record<
      string,
      (...args: unknown[]) => Promise<void>
    >;
    await commands[`moebius.code.${command}`]!(document.uri, new Range(line, 0, line, 0), 'Write two.');
    const [request] = backend.requests;
    const { messages } = request!.params as { messages: { content: string }[] };
    return { document, review, asked: messages[1]!.content };
  }

  it('between others, which the model reads', async () => {
    const text = `${ONE}\n\n\nconst end = 1;\n`;
    const { document, review, asked } = await run('refactor', text, 4, 'const two = 2;\n');
    assert.equal(
      asked,
      `a.ts\n\`\`\`plaintext\n${ONE}\n[WRITE HERE]\n\nconst end = 1;\n\n\`\`\`\n\n` +
        'Write what belongs in the place of [WRITE HERE]: Write two.',
    );
    assert.equal(document.getText(), `${ONE}\nconst two = 2;\n\nconst end = 1;\n`);
    await review.undoFile();
    assert.equal(document.getText(), text);
  });

  it('in an empty file', async () => {
    const { document, asked } = await run('refactor', '', 0, 'const two = 2;');
    assert.equal(asked, 'Write the code of a.ts, which is empty yet: Write two.');
    assert.equal(document.getText(), 'const two = 2;');
  });

  it('as far to the right as the editor has indented the line, else as the model has', async () => {
    const indented = await run('refactor', 'class A {}\n\n    \n', 2, 'two() {\n  return 2;\n}');
    assert.equal(indented.document.getText(), 'class A {}\n\n    two() {\n      return 2;\n    }\n');
    const plain = await run('refactor', 'class A {}\n\n\n', 2, '  two() {}');
    assert.equal(plain.document.getText(), 'class A {}\n\n  two() {}\n');
  });

  const CLASS = ['class A {', '  one() {', '    a();', '', '    b();', '  }', '', '  two() {}', '}', ''];
  const openClass = () => {
    const method = { kind: 5, range: new Range(1, 2, 5, 3), children: [] };
    const other = { kind: 5, range: new Range(7, 2, 7, 10), children: [] };
    editor.symbols = [{ kind: 4, range: new Range(0, 0, 8, 1), children: [method, other] }];
  };

  it('between the methods of a class, which stays as it is', async () => {
    openClass();
    const text = CLASS.join('\n');
    const { document, asked } = await run('refactor', text, 6, '  three() {}\n');
    assert.match(asked, /Write what belongs in the place of \[WRITE HERE\]/);
    assert.equal(document.getText(), CLASS.with(6, '  three() {}').join('\n'));
  });

  it('and not on a blank line of a function, or where a class is what a command is about', async () => {
    openClass();
    const { asked } = await run('refactor', CLASS.join('\n'), 3, 'one() {}');
    assert.match(asked, /\none\(\) \{\n {2}a\(\);\n\n {2}b\(\);\n\}\n```$/);
    const documented = await run('document', CLASS.join('\n'), 6, 'class A {}');
    assert.match(documented.asked, /\nclass A \{\n/);
  });

  it('among lines of which the model reads no more than it can', async () => {
    const long = `x('${'🚀'.repeat(50_000)}');\n`;
    const { asked } = await run('refactor', `${long}\n${long}`, 1, 'y();');
    assert.ok(asked.length < 13_000, `${asked.length} characters`);
    assert.match(asked, /🚀'\);\n\[WRITE HERE\]\nx\('🚀/u);
    assert.doesNotMatch(asked, /\p{Cs}/u);
  });

  it('by no command that is about code', async () => {
    for (const command of ['fix', 'document'])
      await assert.rejects(run(command, '\n', 0, ''), {
        code: 'bad-request',
        message: /no code at the cursor/,
      });
  });
});
