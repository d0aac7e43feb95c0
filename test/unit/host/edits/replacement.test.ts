import assert from 'node:assert/strict';
import { codeOf, fenceFor } from '../../../../src/agent/code/fence.ts';
import { dedent, indentLike, sharedIndentation } from '../../../../src/agent/code/indentation.ts';
import {
  documentInstruction,
  editPrompt,
  fixInstruction,
  problemsToFix,
} from '../../../../src/host/edits/prompts.ts';
import { replacementOf } from '../../../../src/host/edits/replacement.ts';

describe('host/edits/fence', () => {
  const check = (name: string, answer: string, expected: string, fence = '```') =>
    it(name, () => assert.equal(codeOf(answer, fence), expected));
  check('a block', '```ts\na();\n```', 'a();');
  check('prose around it', 'Here you are:\n\n```ts\na();\nb();\n```\nThis calls a.', 'a();\nb();');
  check('begun inside the block', 'a();\nb();\n```\nThis calls a.', 'a();\nb();');
  check('begun inside, stopped before the fence', 'a();\n  b();', 'a();\n  b();');
  check('not closed', 'Here:\n```ts\na();', 'a();');
  check('two blocks: the first', '```ts\na();\n```\nor\n```ts\nb();\n```', 'a();');
  check('indentation of the first line stays', '```ts\n  a();\n  b();\n```', '  a();\n  b();');
  check('carriage returns', '```ts\r\na();\r\n```\r\n', 'a();');
  check('a longer fence around a shorter one', '````md\n```ts\na();\n```\n````', '```ts\na();\n```', '````');
  check('nothing', '\n\n', '');
  it('is longer than any run of backticks in the code', () => {
    assert.equal(fenceFor('a'), '```');
    assert.equal(fenceFor('`a` ``b``'), '```');
    assert.equal(fenceFor('```ts\n```'), '````');
  });
});

describe('host/edits/indentation', () => {
  it('finds and removes what is shared', () => {
    assert.equal(sharedIndentation('  a\n\n    b\n  c'), '  ');
    assert.equal(sharedIndentation('\ta\n  b'), '');
    assert.equal(dedent('    a {\n      b\n    }'), 'a {\n  b\n}');
  });
  const check = (name: string, original: string, answer: string, expected: string) =>
    it(name, () => assert.equal(indentLike(original, answer), expected));
  check('gives it back', '    a {\n      b\n    }', 'a {\n  c\n}', '    a {\n      c\n    }');
  check(
    'keeps it when the model kept it',
    '    a {\n    }',
    '    a {\n      c\n    }',
    '    a {\n      c\n    }',
  );
  check(
    'tabs stay tabs',
    '\ta {\n\t\tb\n\t}',
    'a {\n    c {\n        d\n    }\n}',
    '\ta {\n\t\tc {\n\t\t\td\n\t\t}\n\t}',
  );
  check('spaces stay spaces', '  a {\n    b\n  }', 'a {\n\tc\n}', '  a {\n    c\n  }');
  check(
    'stars of a comment are no step',
    'f {\n\tx\n}',
    '/**\n * x\n */\nf {\n    x\n}',
    '/**\n * x\n */\nf {\n\tx\n}',
  );
  check('blank lines stay empty', '  a\n  b', 'a\n\nb', '  a\n\n  b');
});

describe('host/edits/replacement', () => {
  const prompt = editPrompt(
    { path: 'a.ts', languageId: 'typescript', code: '  f() {\n    x();\n  }' },
    'Fix it.',
  );
  const replace = (text: string, finish: 'stop' | 'length' | 'repetition' = 'stop') =>
    replacementOf('  f() {\n    x();\n  }', { text, finish }, prompt);

  it('asks for one block, begun already', () => {
    assert.equal(prompt.answerPrefix, '```typescript\n');
    assert.deepEqual(prompt.stop, ['\n```']);
    const user = prompt.messages[1]!.content;
    assert.match(user, /^Fix it\.\n\na\.ts\n```typescript\nf\(\) \{\n {2}x\(\);\n\}\n```$/);
    assert.ok(prompt.messages[0]!.content.length < 150 * 3, 'the system prompt is below 150 tokens');
  });
  it('takes the answer, with or without the part it was begun with', () => {
    assert.equal(replace('f() {\n  y();\n}'), '  f() {\n    y();\n  }');
    assert.equal(replace('```typescript\nf() {\n  y();\n}'), '  f() {\n    y();\n  }');
  });
  it('refuses half an answer, no code, and no change', () => {
    assert.throws(() => replace('f() {\n  y();', 'length'), { code: 'context-full' });
    assert.throws(() => replace('f() {\n  y();', 'repetition'), { code: 'context-full' });
    assert.throws(() => replace('\n'), /without code/);
    assert.throws(() => replace('f() {\n  x();\n}'), /no change/);
  });
  it('names problems by their line', () => {
    const problem = { message: 'Cannot find\n name', source: 'ts', line: '  foo();' };
    assert.equal(
      fixInstruction([problem]),
      'Fix this problem in the code:\n- Cannot find name (ts), at: foo();',
    );
    assert.match(
      fixInstruction([problem, { ...problem, source: '' }]),
      /these problems[\s\S]*\n- Cannot find name, at: foo/,
    );
    assert.match(fixInstruction([]), /bugs/);
    assert.match(documentInstruction('python'), /docstrings/);
    assert.match(documentInstruction('cobol'), /usual style/);
  });
  it('fixes what the cursor touches, else all, and no hint either way', () => {
    const hint = { severity: 3, line: 1 };
    const [warning, error] = [
      { severity: 1, line: 2 },
      { severity: 0, line: 3 },
    ];
    const at = (line: number) => problemsToFix([hint, warning, error], one => one.line === line);
    assert.deepEqual(at(2), [warning]);
    assert.deepEqual(at(9), [error, warning]);
    assert.deepEqual(at(1), [error, warning]);
    assert.deepEqual(
      problemsToFix([hint], () => true),
      [],
    );
  });
});
