/** Functions are found, their bodies left out, and the one that was asked for taken out of an answer. */
import assert from 'node:assert/strict';
import { functionAlone, functionsOf, withoutBodies } from '../../../../src/agent/guided/bodies.ts';

const blanked = (text: string, path: string): string => {
  const lines = text.split('\n');
  return withoutBodies(lines, functionsOf(lines), path).join('\n');
};

const CLASS = `export class Cart {
  #lines = new Map();

  /** Puts it in. */
  add(id, price) {
    // In cents.
    this.#lines.set(id, price);
  }

  get count() {
    if (this.#lines.size > 3) {
      return 3;
    }
    return this.#lines.size;
  }
}
`;

describe('guided: functions without their bodies', () => {
  const check = (name: string, path: string, text: string, expected: string) =>
    it(name, () => assert.equal(blanked(text, path), expected));
  check(
    'methods keep their comments, a class its fields',
    'a.js',
    CLASS,
    `export class Cart {
  #lines = new Map();

  /** Puts it in. */
  add(id, price) {
    // In cents.
    // to be written
  }

  get count() {
    // to be written
  }
}
`,
  );
  check(
    'docstrings stay, also long ones',
    'a.py',
    'LIMIT = 3\n\ndef f(x):\n    """Doubles.\n\n    Twice.\n    """\n    y = x * 2\n    return y\n\n\ndef g():\n    """One."""\n    return 1\n',
    'LIMIT = 3\n\ndef f(x):\n    """Doubles.\n\n    Twice.\n    """\n    # to be written\n\n\ndef g():\n    """One."""\n    # to be written\n',
  );
  check(
    'a signature of several lines, an arrow function',
    'a.ts',
    'export function f(\n  a: number,\n): number {\n  return a;\n}\n\nexport const g = (a: number) => {\n  return a;\n};\n',
    'export function f(\n  a: number,\n): number {\n  // to be written\n}\n\nexport const g = (a: number) => {\n  // to be written\n};\n',
  );
  check(
    'what is on one line stays',
    'a.js',
    'const f = a => a + 1;\nconst b = 2;\n',
    'const f = a => a + 1;\nconst b = 2;\n',
  );
});

describe('guided: the function that was asked for', () => {
  it('is taken out of a class that the file has', () => {
    const answer = CLASS.replace('set(id, price)', 'set(price, id)');
    assert.equal(
      functionAlone(answer, 'add', CLASS.split('\n')),
      '  /** Puts it in. */\n  add(id, price) {\n    // In cents.\n    this.#lines.set(price, id);\n  }',
    );
  });
  it('comes with what it newly needs', () => {
    const answer = 'function add() {\n  help();\n}\n\nfunction help() {\n  return 1;\n}';
    assert.equal(functionAlone(answer, 'add', CLASS.split('\n')), answer);
  });
});
