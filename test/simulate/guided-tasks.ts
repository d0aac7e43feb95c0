/** Small tasks for the guided profile, in three languages: what the user says, and the tests that decide afterwards. */
import { createRequire } from 'node:module';
import { SAMPLE_PROJECTS, sampleFiles } from '../support/sample-projects.ts';

export interface GuidedTask {
  id: string;
  task: string;
  files: Record<string, string>;
  /** Runs the tests: the user's check where `isCheckGiven`, and what decides in the end. */
  argv: string[];
  isCheckGiven: boolean;
  /** Put over the files before it is decided: tests that the agent has not seen, or as they were. */
  judge: Record<string, string>;
  /** TypeScript's own diagnostics are shown to the agent. */
  isTypeChecked?: boolean;
  openFile?: string;
}

const NODE_TEST = [process.execPath, '--test'];
const TSX_TEST = [process.execPath, '--import', createRequire(__filename).resolve('tsx'), '--test'];

/** Of each sample project the first bug. */
const FAILING: GuidedTask[] = SAMPLE_PROJECTS.map(project => {
  const bug = project.bugs[0]!;
  const files = Object.fromEntries(sampleFiles(project, bug));
  return {
    id: `fix a failing test: ${project.name}/${bug.name}`,
    task: 'The tests fail. Fix the code.',
    files,
    argv: project.argv,
    isCheckGiven: true,
    judge: Object.fromEntries(Object.entries(files).filter(([path]) => /test/.test(path))),
  };
});

const STATS = `/** The arithmetic mean; NaN for an empty list. */
export function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
`;

const WORDS = `def words(text):
    """The words of a text in lower case."""
    return text.lower().split()


def longest(text):
    return max(words(text), key=len)
`;

const SHOP = `export interface Product {
  name: string;
  price?: number;
}

export function total(products: readonly Product[]): number {
  let sum = 0;
  for (const product of products) sum += product.price;
  return sum;
}
`;

const jsTest = (imports: string, body: string): string =>
  `import assert from 'node:assert/strict';\nimport { test } from 'node:test';\n${imports}\ntest('it', () => {\n${body}\n});\n`;

export const GUIDED_TASKS: readonly GuidedTask[] = [
  ...FAILING,
  {
    id: 'add a function: JavaScript',
    task: 'Add a function `median(values)` to src/stats.js: the middle value of the sorted list, the mean of the two middle ones if their number is even. It must not change its argument.',
    files: { 'package.json': '{ "type": "module" }\n', 'src/stats.js': STATS },
    argv: NODE_TEST,
    isCheckGiven: false,
    judge: {
      'test/stats.test.js': jsTest(
        "import { mean, median } from '../src/stats.js';",
        '  const list = [3, 1, 10];\n  assert.equal(median(list), 3);\n  assert.deepEqual(list, [3, 1, 10]);\n  assert.equal(median([4, 1, 2, 3]), 2.5);\n  assert.equal(mean([1, 3]), 2);',
      ),
    },
    openFile: 'src/stats.js',
  },
  {
    id: 'rename: Python',
    task: 'Rename the function `words` in words.py to `split_words`, also where it is used.',
    files: { 'words.py': WORDS },
    argv: ['python3', '-m', 'unittest'],
    isCheckGiven: false,
    judge: {
      'test_words.py':
        "import unittest\nimport words\n\n\nclass WordsTest(unittest.TestCase):\n    def test_it(self):\n        self.assertEqual(words.split_words('A b'), ['a', 'b'])\n        self.assertEqual(words.longest('a bcd e'), 'bcd')\n        self.assertFalse(hasattr(words, 'words'))\n",
    },
    openFile: 'words.py',
  },
  {
    id: 'fix a diagnostic: TypeScript',
    task: "Fix this problem: 'product.price' is possibly 'undefined'.",
    files: { 'shop.ts': SHOP },
    argv: [...TSX_TEST, 'shop.test.ts'],
    isCheckGiven: false,
    judge: {
      'shop.test.ts': jsTest(
        "import { total } from './shop.ts';",
        "  assert.equal(total([{ name: 'a', price: 2 }, { name: 'b' }, { name: 'c', price: 3 }]), 5);",
      ),
    },
    isTypeChecked: true,
    openFile: 'shop.ts',
  },
];
