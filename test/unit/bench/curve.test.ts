/** The parts of the curve that need no model: which levels, what the numbers become, questions about changed files. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { levelPlan } from '../../../src/engine/read-plan.ts';
import type { ExpertLayout } from '../../../src/models/manifest.ts';
import { readManifest } from '../../../src/models/manifest-file.ts';
import { drawCurve } from '../../curve/draw.ts';
import type { Measured } from '../../curve/measure.ts';
import { ASKED, linkModel, pointsOf } from '../../curve/points.ts';
import { METRICS, rowsOf } from '../../curve/rows.ts';
import { isRight } from '../../curve/tasks.ts';
import { writeTinyModel } from '../../support/tiny-folder.ts';

const plan = (readK: number | null, writeK: number | null, exactTail: number) => ({
  ...{ readK, writeK, exactTail, exactHead: 4 },
});
const layout: ExpertLayout = {
  ...{ kind: 'carved', sharedNeurons: 2880, routed: 19, routedNeurons: 320 },
  levels: {
    exact: plan(null, null, 0),
    balanced: plan(8, null, 256),
    fast: plan(4, null, 256),
    frugal: plan(1, 12, 64),
  },
};

function measured(name: string, nats: number[], best: number[][], passed: number): Measured {
  return {
    point: { name, plan: layout.levels.exact! },
    sizes: { texts: nats.length, tasks: 4, rounds: 1 },
    tail: nats.map((value, i) => ({ file: `${i}.py`, nats: value, best: best[i]! })),
    ...{ infill: { passed, judged: 4 }, humaneval: { passed, judged: 4 }, attached: { passed, judged: 4 } },
    readMs: 2500,
  };
}

describe('curve', () => {
  it('goes from exact to what also writes sparsely, through the levels and between them', () => {
    assert.deepEqual(
      pointsOf(layout).map(({ name }) => name),
      ['exact', '11 of 19', 'balanced', '6 of 19', 'fast', 'frugal'],
    );
    const own = pointsOf({ ...layout, levels: { ...layout.levels, fast: plan(6, null, 256) } });
    assert.deepEqual(
      own.map(({ name }) => name),
      ['exact', '11 of 19', 'balanced', 'fast', 'frugal'],
    );
  });

  it('asks for a plan in a folder that shares the files of the model', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'moebius-curve-'));
    try {
      const linked = join(folder, 'linked');
      const manifest = await writeTinyModel(folder);
      const before = await readFile(join(folder, 'manifest.json'));
      for (const readK of [3, 2]) {
        await linkModel(folder, manifest, plan(readK, null, 16), linked);
        const { experts } = await readManifest(linked);
        assert.deepEqual(levelPlan(experts, ASKED), plan(readK, null, 16));
      }
      assert.deepEqual(await readFile(join(folder, 'manifest.json')), before);
      const inode = async (of: string) => (await stat(join(of, 'body.data'))).ino;
      assert.equal(await inode(linked), await inode(folder));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('holds every point against exact, text by text', async () => {
    const exact = measured(
      'exact',
      [1, 2],
      [
        [5, 6],
        [7, 8],
      ],
      4,
    );
    const fast = measured(
      'fast',
      [1.1, 2.3],
      [
        [5, 6],
        [7, 9],
      ],
      2,
    );
    const { tail: _, ...unfinished } = fast;
    const rows = rowsOf(exact, [exact, fast, unfinished]);
    assert.equal(rows.length, 2 * METRICS.length);
    const value = (metric: number) => rows[METRICS.length + metric]!;
    assert.ok(Math.abs(value(0).value - 0.2) < 1e-9 && Math.abs(value(0).high - 0.3) < 1e-9);
    assert.deepEqual([value(1).value, value(2).value, value(2).low, value(2).high], [75, 50, 25, 75]);
    assert.ok(rows.slice(0, 2).every(row => row.low === row.high && row.seconds === 2.5));

    const svg = await drawCurve(rows);
    assert.match(svg, /^<svg/);
    for (const text of [...METRICS, 'fast', 'seconds to read 2,048 tokens'])
      assert.ok(svg.includes(text), text);
  });

  it('asks about files what only their changed text tells', () => {
    const script = join(__dirname, '../../curve/questions.py');
    const ask = () => execFileSync('python3', [script, 'timeit.py', 'graphlib.py'], { encoding: 'utf8' });
    const questions: Record<'file' | 'text' | 'question' | 'answer', string>[] = JSON.parse(ask());
    assert.ok(questions.length >= 6, `${questions.length} questions`);
    assert.deepEqual(JSON.parse(ask()), questions);
    const library = execFileSync('python3', ['-c', 'import sysconfig; print(sysconfig.get_path("stdlib"))'], {
      encoding: 'utf8',
    }).trim();
    return Promise.all(
      questions.map(async ({ file, text, question, answer }) => {
        assert.ok(isRight(text, answer), question);
        assert.ok(!isRight(question, answer), question);
        assert.ok(!isRight(await readFile(join(library, file), 'utf8'), answer), question);
        execFileSync('python3', ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], { input: text });
      }),
    );
  });

  const answers: [string, boolean][] = [
    ['`get_line_bade`', true],
    ['It is get_line_bade().', true],
    ['get_line_bade2', false],
    ['my_get_line_bade', false],
    ['get_line', false],
    ['', false],
  ];
  for (const [text, expected] of answers) {
    it(`${JSON.stringify(text)} is ${expected ? 'right' : 'wrong'}`, () => {
      assert.equal(isRight(text, 'get_line_bade'), expected);
    });
  }
});
