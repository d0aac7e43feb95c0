import assert from 'node:assert/strict';
import { Others } from '../../replay/others.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const BUDGET_CHARS = 10_000;

describe('replay/others', () => {
  const chosen = async (path: string, text: string, files: Record<string, string>, budget = BUDGET_CHARS) => {
    const all = Object.entries(files).map(([name, other]) => ({ path: name, text: other }));
    const cursor = { uri: path, path, languageId: 'typescript', before: text, after: '' };
    const pieces = await new Others(path, all, new FakeClock()).filesFor(text, cursor, budget);
    return pieces.map(piece => piece.path);
  };

  it('are those that a file imports, however far away, and its neighbours, the most telling last', async () => {
    const text = "import { total } from '../../sums/total';\nconst bill = total(items, taxes);\n";
    const paths = await chosen('p/src/shop/bill.ts', text, {
      'p/src/shop/cart.ts': 'export const items = [];',
      'p/src/shop/words.ts': 'export const unlike = 1;',
      'p/sums/total.ts': 'export function total(items, taxes) {}',
    });
    assert.deepEqual(paths, ['p/src/shop/cart.ts', 'p/sums/total.ts']);
  });

  it('of many neighbours the six nearest', async () => {
    const names = Array.from({ length: 20 }, (_, i) => `p/src/f${String(i).padStart(2, '0')}.ts`);
    const files = Object.fromEntries(['p/a/far.ts', ...names].map((name, i) => [name, `items = ${i};`]));
    const { 'p/src/f10.ts': text, ...others } = files;
    const paths = await chosen('p/src/f10.ts', text!, others);
    assert.deepEqual(
      paths.sort(),
      [7, 8, 9, 11, 12, 13].map(i => names[i]),
    );
  });

  it('there are none where there is no room for them', async () => {
    assert.deepEqual(await chosen('p/a.ts', 'items', { 'p/b.ts': 'items' }, 0), []);
  });
});
