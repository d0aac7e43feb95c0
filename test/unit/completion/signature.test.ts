import assert from 'node:assert/strict';
import {
  argumentIn,
  editOfCall,
  plainMentions,
  SignatureWatch,
  signatureChangeBetween,
} from '../../../src/completion/signature.ts';

const names = (list: { name: string; isOptional: boolean }[]) =>
  list.map(({ name, isOptional }) => (isOptional ? `${name}?` : name)).join(' ');

describe('completion/signature', () => {
  const change = (what: string, old: string, text: string, expected: [string, string, string] | null) =>
    it(what, () => {
      const found = signatureChangeBetween(old, text);
      assert.deepEqual(found && [found.name, names(found.from), names(found.to)], expected);
      if (found) assert.ok(text.startsWith(found.name, found.offset));
    });
  change('one more', 'function add(a: number) {}', 'function add(a: number, b: number) {}', [
    'add',
    'a',
    'a b',
  ]);
  change('the first one', 'def add():\n    pass', 'def add(count):\n    pass', ['add', '', 'count']);
  change('one less', 'def add(a, b=1):', 'def add(a):', ['add', 'a b?', 'a']);
  change('another name', 'fn add(left: u8) {', 'fn add(first: u8) {', ['add', 'left', 'first']);
  change('of a method, without the receiver', '  def add(self, a):', '  def add(self, a, b=2):', [
    'add',
    'a',
    'a b?',
  ]);
  change(
    'of a method in braces',
    'class A {\n  async get(id: string): Promise<A> {\n  }\n}',
    'class A {\n  async get(id: string, isFresh?: boolean): Promise<A> {\n  }\n}',
    ['get', 'id', 'id isFresh?'],
  );
  change('of an arrow', 'const f = (a: Map<string, A>) => a;', 'const f = (a: Map<string, A>, b: B) => a;', [
    'f',
    'a',
    'a b',
  ]);
  change('where the type is first', 'func sum(int a) int {', 'func sum(int a, int count) int {', [
    'sum',
    'a',
    'a count',
  ]);
  change('where the type follows', 'func sum(a int) int {', 'func sum(a int, name string) int {', [
    'sum',
    'a',
    'a name',
  ]);
  change(
    'a callback as a parameter',
    'function on(f: (a: A) => void) {',
    'function on(f: (a: A) => void, b: B) {',
    ['on', 'f', 'f b'],
  );
  change(
    'of a constructor, which is called by its class',
    'export class A {\n  private b = class Inner {};\n  constructor(private readonly b: B) {\n  }\n}',
    'export class A {\n  private b = class Inner {};\n  constructor(private readonly b: B, c: C) {\n  }\n}',
    ['A', 'b', 'b c'],
  );
  change(
    'of one of Python, whose class has another inside',
    'class A(Base):\n    class B:\n        pass\n\n    def __init__(self, b):\n        pass',
    'class A(Base):\n    class B:\n        pass\n\n    def __init__(self, b, c):\n        pass',
    ['A', 'b', 'b c'],
  );
  change(
    'of the constructor of a class without a name',
    'const A = class {\n  constructor(b) {\n  }\n};',
    'const A = class {\n  constructor(b, c) {\n  }\n};',
    null,
  );
  change('a type alone changes no call', 'function f(a: A) {}', 'function f(a: B) {}', null);
  change('what a call is given is no signature', 'f(a);', 'f(a, b);', null);
  change('a condition is no signature', 'if (a) {\n}', 'if (a, b) {\n}', null);
  change('a body is not its head', 'function f(a) { g(a) }', 'function f(a) { g(a, b) }', null);
  change('a bracket that is not closed', 'function f(a', 'function f(a, b', null);
  change('what is taken apart has no name', 'function f({ a }) {}', 'function f({ a }, b) {}', null);

  const call = (what: string, [old, text]: [string, string], args: string, expected: string | null) =>
    it(what, () => {
      const found = signatureChangeBetween(`function f(${old}) {}`, `function f(${text}) {}`)!;
      const edit = editOfCall(args, found);
      const { hole } = edit ?? {};
      assert.equal(
        edit &&
          (hole === null || hole === undefined
            ? edit.text
            : `${edit.text.slice(0, hole)}█${edit.text.slice(hole)}`),
        expected,
      );
    });
  call('the new one is last', ['a', 'a, b'], '1', '1, █');
  call('the new one is first', ['a', 'b, a'], '1', '█, 1');
  call('the new one is between', ['a, c', 'a, b, c'], 'g(1, 2), "x, y"', 'g(1, 2), █, "x, y"');
  call('the only one', ['', 'a'], '', '█');
  call('one has gone', ['a, b', 'b'], '1, [2, 3]', '[2, 3]');
  call('all have gone', ['a', ''], '1', '');
  call('they change places', ['a, b', 'b, a'], '1, 2', '2, 1');
  call('a name that only the function knows', ['a, b', 'a, c'], '1, 2', null);
  call('a name that the call says', ['a, b', 'a, c'], '1, b=2', '1, c=2');
  call('one that may be left out', ['a', 'a, b = 1'], '1', null);
  call('one that was left out', ['a, b = 1', 'a, b = 1, c?: C'], '1', null);
  call('more than one new', ['a', 'a, b, c'], '1', null);
  call('spread', ['a, b', 'a'], '...all', null);
  call('more than there were', ['a', ''], '1, 2', null);
  call('on lines of their own', ['a, b', 'a, b, c'], '\n  1,\n  2\n', '\n  1,\n  2,\n  █\n');

  call('on lines that all end in a comma', ['a, b', 'a, b, c'], '\n  1,\n  2,\n', '\n  1,\n  2,\n  █,\n');
  call('and one of them has gone', ['a, b', 'b'], '\n  1,\n  2,\n', '\n  2,\n');
  call('right as it is, with a comma at the end', ['a, b', 'a, b, c = 1'], '\n  1,\n  2,\n', null);
  call('right as it is, oddly set', ['a, b', 'a, b, c = 1'], '1 , 2', null);

  it('goes on from pause to pause, and what was dismissed is not told again', () => {
    const texts = ['def f(a):', 'def f(a, b):', 'def f(a, bc):', 'def f(a, bcd):', 'def f():'];
    const watch = new SignatureWatch();
    const told = (i: number) => {
      const found = watch.since(texts[i - 1]!, texts[i]!);
      return found && `${names(found.from)} -> ${names(found.to)}`;
    };
    assert.deepEqual([told(1), told(2)], ['a -> a b', 'a -> a bc']);
    watch.dismiss();
    assert.equal(told(3), null);
    watch.forget();
    assert.equal(told(4), 'a bcd -> ');
  });

  it('by name alone, what belongs to another object is not meant', () => {
    assert.deepEqual(
      plainMentions('add', 'add(1) seen.add(2) this.add(3) self.add(4) myself.add(5)'),
      [0, 24, 36],
    );
  });

  it('an argument ends where the call would go on', () => {
    assert.equal(argumentIn('items[0], other)'), 'items[0]');
    assert.equal(argumentIn(' f(a, b));\n}'), 'f(a, b)');
    assert.equal(argumentIn('"a, b");'), '"a, b"');
    assert.equal(argumentIn('{ a: 1'), null);
    assert.equal(argumentIn(')'), null);
    assert.equal(argumentIn('\n'), null);
  });
});
