import assert from 'node:assert/strict';
import { silenceAt } from '../../../src/completion/silence.ts';
import { drawn } from './drawn.ts';

describe('completion/silence', () => {
  const STORY = 'a long story about it '.repeat(4);
  const check = (what: string, text: string, languageId: string, expected: string | null) =>
    it(what, () => assert.equal(silenceAt(drawn(text, languageId)), expected));

  check('a docstring begins', 'def f():\n    """Return █', 'python', null);
  check(
    'a docstring of several lines',
    `def f():\n    """${STORY}\n\n    and █\n    """\n`,
    'python',
    'in a long comment',
  );
  check('below a docstring', `def f():\n    """${STORY}"""\n    return █`, 'python', null);
  check('one kind of quotes inside the other', `x = '''${STORY} """ '''\ny = █`, 'python', null);
  check('a comment of several lines', `/* ${STORY}\n${STORY}\n   and █`, 'typescript', 'in a long comment');
  check('below a comment', `/** ${STORY} */\nreturn █`, 'typescript', null);
  check(
    'a pattern of files is no comment',
    `const all = 'src/**/*.ts';\n${STORY}\nreturn █`,
    'typescript',
    null,
  );
});
