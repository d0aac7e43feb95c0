import assert from 'node:assert/strict';
import { enclosingBlock } from '../../../../src/agent/code/enclosing-block.ts';

/** The cursor's line ends in █, the expected block's lines begin with |. */
function check(name: string, drawn: string): void {
  it(name, () => {
    const marked = drawn.replace(/^\n/, '').split('\n');
    const lines = marked.map(line => line.replace('█', '').replace(/^[| ] ?/, ''));
    const inside = marked.flatMap((line, index) => (line.startsWith('|') ? [index] : []));
    const expected = inside.length > 0 ? { first: inside[0], last: inside.at(-1) } : null;
    assert.deepEqual(
      enclosingBlock(
        lines,
        marked.findIndex(line => line.includes('█')),
      ),
      expected,
    );
  });
}

describe('agent/code/enclosing-block', () => {
  check(
    'a loop over a call is no function',
    `
| def f(text):
|     for line in text.splitlines():
|         use(line)█
  x = 1`,
  );
  check(
    'a function',
    `
  const a = 1;
| function f(x) {
|   if (x) {
|     y();█
|   }
|
|   return x;
| }
  const b = 2;`,
  );
  check(
    'on its first line',
    `
| def f(x):█
|     return x
  
  def g():
      pass`,
  );
  check(
    'a method, with what stands above it',
    `
  class A {
    a = 1;

|   /** Says. */
|   @log
|   say(x: string): void {
|     print(x);█
|   }

    other() {
    }
  }`,
  );
  check(
    'an arrow function',
    `
| const f = (x: number) => {
|   return x;█
| };
  f(1);`,
  );
  check(
    'no call with a block',
    `
| function outer() {
|   if (ready(now)) {
|     go();█
|   }
| }`,
  );
  check(
    'outside of functions: a paragraph',
    `
  import a

| x = 1
| y = 2█

  z = 3`,
  );
  check(
    'a blank line outside',
    `
  x = 1
  █
  y = 2`,
  );
  check(
    'a blank line between the methods of a class',
    `
  class A(Base):
      def one(self):
          return 1
  █
      def two(self):
          return 2`,
  );
  check(
    'a blank line in a method',
    `
  class A(Base):
|     def one(self):
|         a = 1
| █
|         return a
      def two(self):
          return 2`,
  );
});
