import assert from 'node:assert/strict';
import { FileFaults } from '../../../src/completion/syntax/file-faults.ts';
import { testGrammars } from '../../support/grammars.ts';

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: the code of other languages
/** Code of several languages that has nothing wrong. */
const SOUND: Record<string, string> = {
  'a.py':
    '@d\n# why\ndef f(a, b=(1,\n2)): return a; b\n\nclass A:\n\n      # odd\n    x = [\n1]\n    if x: pass\n    else:\n      try:\n        y = f"""\n  {x}"""\n      finally: pass\n',
  'b.PY': '',
  'a.js': 'export const f = async a => {\n  if (a) return `${a}`\n  for await (const b of a) yield_(b)\n}\n',
  'a.tsx': 'export const A = <T,>({ a }: P<T>) => <b key={1}>{a ?? ""}</b>;\n',
  'a.mts': 'type A<T> = { [K in keyof T]?: T[K] } & B;\nlet x = y satisfies A<1>;\n',
  'a.go': 'package a\n\nfunc f[T any](a ...T) (int, error) {\n\treturn len(a), nil\n}\n',
  'a.rs': 'impl<T> A<T> {\n    fn f(&self) -> Option<T> { self.a?.b() }\n}\n',
  'a.java': 'record A(int a) {\n  int f() { return switch (a) { case 1 -> 2; default -> 3; }; }\n}\n',
  'a.rb': 'def f(a) = a&.b\nputs "#{f 1}" unless x\n',
  'a.sh': 'cat <<EOF\n$x\nEOF\nfor f in *.txt; do echo "${f%.txt}"; done\n',
};
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: the code of other languages

describe('completion/syntax/file-faults', () => {
  const syntax = new FileFaults(testGrammars(), Number.POSITIVE_INFINITY);
  const told = async (path: string, text: string): Promise<string[] | undefined> =>
    (await syntax.faults(path, text))?.map(({ line, column, message }) => `${line}:${column} ${message}`);
  const INDENT = 'Invalid indentation: all statements of a block begin in one column.';

  for (const [path, text] of Object.entries(SOUND))
    it(`${path} has none`, async () => assert.deepEqual(await told(path, text), []));

  const faulty = (name: string, path: string, text: string, faults: string[]) =>
    it(name, async () => assert.deepEqual(await told(path, text), faults));
  const REST = '\n\ndef g():\n    return 1\n';

  faulty('a bracket that is left open', 'a.py', `x = 1\n\ndef f(a, b:\n    return a${REST}`, [
    '3:1 Invalid syntax.',
  ]);
  faulty('a colon that is missing', 'a.py', `def f(a)\n    return a${REST}`, ['1:1 Invalid syntax.']);
  faulty('an operand that is missing', 'a.py', `def f(a):\n    return a +${REST}`, ['2:5 Invalid syntax.']);
  faulty('words of the model', 'a.py', `Here is the code:\nx = 1\n`, ['1:13 Invalid syntax.']);
  faulty('a body that is missing', 'a.py', `def f(a):\n${REST}`, ['1:10 Expected an indented block.']);
  faulty('a body that is not indented', 'a.py', 'def f(a):\nreturn a\n', [
    '1:10 Expected an indented block.',
  ]);
  faulty('a line that is indented too much', 'a.py', `def f(a):\n    x = 1\n        return x${REST}`, [
    `3:9 ${INDENT}`,
  ]);
  faulty(
    'a method that is indented too little',
    'a.py',
    'class A:\n    x = 1\n\n  def g(a):\n    return 1\n',
    [`4:3 ${INDENT}`],
  );
  faulty('a file that begins indented', 'a.py', '    x = 1\n', [`1:5 ${INDENT}`]);
  faulty(
    'a brace that is missing',
    'a.js',
    'function f(a) {\n  return a;\n\nfunction g() {\n  return 1;\n}\n',
    ["6:2 '}' expected."],
  );
  faulty('a brace too many', 'a.ts', 'function f(a) {\n  return a;\n}\n}\n', ['4:1 Invalid syntax.']);
  faulty('two in one line and one in another', 'a.js', 'f(a;\nconst x = ;\n', [
    "1:4 ')' expected.",
    '2:9 Invalid syntax.',
  ]);
  faulty('in Go', 'a.go', 'package a\n\nfunc f() int {\n\tx := \n\treturn 1\n}\n', ['5:2 Invalid syntax.']);

  it('nothing is told where there is no grammar', async () => {
    assert.equal(await told('a.kt', 'fun f( {'), undefined);
    assert.equal(await told('Makefile', 'a: ('), undefined);
    assert.equal(await told('a.constructor', '('), undefined);
  });
});
