/** The graphs that read with few experts on machines that have no room for them, over scripted sessions. */
import assert from 'node:assert/strict';
import { MoebiusError } from '../../../src/base/errors.ts';
import type { EngineCore } from '../../../src/engine/core.ts';
import { ALL_EXPERTS } from '../../../src/engine/read-plan.ts';
import { Run } from '../../../src/engine/run.ts';
import { Sequence } from '../../../src/engine/sequences.ts';
import { RoutedGraphs, type RoutedPorts } from '../../../src/engine/session/routed-graphs.ts';
import type { LoadArgs } from '../../../src/engine/session/wire.ts';

const GRAPHS = {
  body: { onnx: 'body.onnx', data: 'body.data' },
  routed: { onnx: 'routed.onnx', data: 'routed.data' },
  shortcut: {
    ...{ onnx: 'shortcut.onnx', data: 'shortcut.data' },
    layers: 2,
    rest: { onnx: 'rest.onnx', data: 'rest.data' },
  },
};
const SIZES = { 'body.data': 800, 'routed.data': 500, 'rest.data': 200, 'shortcut.data': 10 };
const FAR = { experts: 2, shortcut: true, logitRows: 0 } as const;
const LAST = { experts: 2, logitRows: 1 } as const;

/** `limit`: bytes that all sessions together may have before one can't be opened. */
function open(parts: { limit?: number; available?: number | null; packed?: string } = {}) {
  const seen = { opened: [] as string[], released: [] as string[] };
  const machine = { limit: parts.limit ?? Infinity, available: parts.available ?? null, nowMs: 0 };
  const held = new Map<string, number>();
  const ports: RoutedPorts = {
    async open(path) {
      const name = path.split(/[\\/]/).at(-1)!;
      const bytes = SIZES[name.replace('.onnx', '.data') as keyof typeof SIZES];
      const sum = [...held.values()].reduce((all, one) => all + one, bytes);
      if (sum > machine.limit) throw new MoebiusError('out-of-memory', name);
      held.set(name, bytes);
      seen.opened.push(name);
      return {
        inputs: [{ name: 'k', shape: [1] }],
        run: async () => ({}),
        async release() {
          held.delete(name);
          seen.released.push(name);
        },
      };
    },
    availableBytes: () => machine.available,
    now: () => machine.nowMs,
  };
  const files = Object.fromEntries(Object.entries(SIZES).map(([name, sizeBytes]) => [name, { sizeBytes }]));
  const manifest = { name: 'tiny', graphs: GRAPHS, files };
  const options = { folder: 'f', threads: 1, manifest, packed: parts.packed ?? null } as unknown as LoadArgs;
  return { graphs: new RoutedGraphs(options, ports), seen, machine };
}

describe('graphs that read with few experts', () => {
  it('are opened when they are wanted, each once', async () => {
    const { graphs, seen } = open();
    assert.ok(await graphs.run({}, FAR));
    assert.deepEqual(seen.opened, ['routed.onnx', 'shortcut.onnx']);
    assert.ok(await graphs.run({}, LAST));
    assert.ok(await graphs.run({}, FAR));
    assert.deepEqual(seen.opened, ['routed.onnx', 'shortcut.onnx', 'rest.onnx']);
  });

  it('give back what they took where one does not fit, and are tried again only after a while', async () => {
    const { graphs, seen, machine } = open({ limit: 600 });
    assert.ok(await graphs.run({}, FAR));
    assert.equal(await graphs.run({}, LAST), null);
    assert.deepEqual(seen.released, ['routed.onnx', 'shortcut.onnx']);
    machine.limit = Infinity;
    const before = seen.opened.length;
    assert.equal(await graphs.run({}, FAR), null);
    assert.equal(seen.opened.length, before);
    machine.nowMs = 60_000;
    assert.ok(await graphs.run({}, FAR));
  });

  it('are not begun where the system would end a process for them', async () => {
    assert.equal(await open({ available: 509 }).graphs.run({}, FAR), null);
    assert.ok(await open({ available: 510 }).graphs.run({}, FAR));
    assert.equal(await open({ available: 1300, packed: 'p' }).graphs.run({}, FAR), null, 'mapped weights');
    assert.ok(await open({ available: 1310, packed: 'p' }).graphs.run({}, FAR));
  });

  it('say what else is wrong with them', async () => {
    const broken = new RoutedGraphs(
      {
        folder: 'f',
        threads: 1,
        packed: null,
        manifest: { graphs: GRAPHS, files: {} },
      } as unknown as LoadArgs,
      {
        open: async () => {
          throw new MoebiusError('internal', 'no such operator');
        },
        availableBytes: () => null,
        now: () => 0,
      },
    );
    await assert.rejects(broken.run({}, LAST), { code: 'internal' });
  });

  it('and where all experts read in their place, the rows count so', async () => {
    const level = { readK: 1, writeK: null, exactHead: 0, exactTail: 8 };
    const experts = async (byAll: boolean) => {
      const sequence = new Sequence(1, 'chat');
      const core = {
        manifest: { experts: { kind: 'carved' } },
        worker: { request: async () => ({ byAll, drafted: [], logits: null, capacityRows: 1, bytes: 0 }) },
        prefillMeter: { add() {} },
      } as unknown as EngineCore;
      const hooks = { signal: new AbortController().signal, turn: async () => {} };
      const prompt = Array.from({ length: 100 }, (_, i) => i);
      await new Run(core, sequence, level, hooks).read(prompt, () => true);
      return new Set(sequence.experts.slice(0, 92));
    };
    assert.deepEqual(await experts(false), new Set([1]));
    assert.deepEqual(await experts(true), new Set([ALL_EXPERTS]));
  });
});
