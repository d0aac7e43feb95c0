/** The ONNX writer, judged by onnxruntime itself; and the check that a graph's weights stay in its folder. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { assertSafeOnnx, ExternalDataWriter, OnnxBuilder } from '../../../src/formats/onnx.ts';

const PRODUCER = { name: 'test', version: '1' };
const ROWS = 300;
const COLS = 100;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moebius-onnx-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** An affine map, a leaky sum and an 8-bit MatMulNBits beside it; weights outside the graph, one of them written in pieces. */
async function buildModel() {
  const weight = Float32Array.from({ length: COLS * ROWS }, (_, i) => Math.sin(i));
  const bias = Float32Array.from({ length: ROWS }, (_, i) => i / 10);
  const quantised = Uint8Array.from({ length: 4 * 32 }, (_, i) => 128 + ((i * 37) % 101) - 50);
  const data = await ExternalDataWriter.create(join(folder, 'm.data'));
  async function* pieces() {
    for (let at = 0; at < weight.length; at += 7000) yield weight.subarray(at, at + 7000);
  }
  const weightBlob = await data.write(pieces());
  const biasBlob = await data.write(bias);
  const quantisedBlob = await data.write(quantised);
  const written = await data.close();

  const graph = new OnnxBuilder('g', PRODUCER);
  graph.addInput('x', 'float32', ['n', COLS]);
  graph.addInput('z', 'float32', ['n', 32]);
  graph.addExternal('w', 'float32', [COLS, ROWS], weightBlob);
  graph.addExternal('b', 'float32', [ROWS], biasBlob);
  graph.addExternal('q', 'uint8', [4, 1, 32], quantisedBlob);
  graph.addInitializer('q.scale', 'float32', [4, 1], [0.5, 0.25, 0.125, 1]);
  graph.addInitializer('axes', 'int64', [1], [-1]);
  graph.addNode('MatMul', ['x', 'w'], ['xw']);
  graph.addNode('Add', ['xw', 'b'], ['y']);
  graph.addNode('LeakyRelu', ['y'], ['leaky'], { alpha: { float: 0.25 } });
  graph.addNode('ReduceSum', ['leaky', 'axes'], ['sum'], { keepdims: 0 });
  const attributes = { K: 32, N: 4, bits: 8, block_size: 32 };
  graph.addNode('MatMulNBits', ['z', 'q', 'q.scale'], ['zq'], attributes, 'com.microsoft');
  graph.addOutput('y', 'float32', ['n', ROWS]);
  graph.addOutput('sum', 'float32', ['n']);
  graph.addOutput('zq', 'float32', ['n', 4]);
  const graphFile = await graph.write(join(folder, 'm.onnx'));
  return { weight, bias, quantised, written, graphFile, blobs: [weightBlob, biasBlob, quantisedBlob] };
}

function assertClose(actual: Float32Array, expected: number[], what: string): void {
  assert.equal(actual.length, expected.length, what);
  expected.forEach((value, i) => {
    assert.ok(
      Math.abs(actual[i]! - value) <= 1e-3 * Math.max(1, Math.abs(value)),
      `${what}[${i}]: ${actual[i]} ${value}`,
    );
  });
}

describe('formats: writing ONNX', () => {
  it('makes a graph with external weights that onnxruntime computes as the plain loops do', async () => {
    const { weight, bias, quantised } = await buildModel();
    const session = await InferenceSession.create(join(folder, 'm.onnx'));
    const n = 3;
    const x = Float32Array.from({ length: n * COLS }, (_, i) => Math.cos(i));
    const z = Float32Array.from({ length: n * 32 }, (_, i) => Math.cos(i / 3));
    const out = await session.run({ x: new Tensor(x, [n, COLS]), z: new Tensor(z, [n, 32]) });

    const y: number[] = [];
    for (let i = 0; i < n; i++) {
      for (let r = 0; r < ROWS; r++) {
        let value = bias[r]!;
        for (let c = 0; c < COLS; c++) value += x[i * COLS + c]! * weight[c * ROWS + r]!;
        y.push(value);
      }
    }
    const leaky = y.map(value => (value < 0 ? value * 0.25 : value));
    const sum = [0, 1, 2].map(i => leaky.slice(i * ROWS, (i + 1) * ROWS).reduce((a, b) => a + b, 0));
    const scale = [0.5, 0.25, 0.125, 1];
    const zq: number[] = [];
    for (let i = 0; i < n; i++) {
      for (let r = 0; r < 4; r++) {
        let value = 0;
        for (let c = 0; c < 32; c++) value += z[i * 32 + c]! * (quantised[r * 32 + c]! - 128) * scale[r]!;
        zq.push(value);
      }
    }
    assertClose(out.y!.data as Float32Array, y, 'y');
    assertClose(out.sum!.data as Float32Array, sum, 'sum');
    assertClose(out.zq!.data as Float32Array, zq, 'zq');
    await session.release();
  });

  it('aligns blobs to pages, hashes what it wrote and keeps the graph small', async () => {
    const { written, graphFile, blobs } = await buildModel();
    assert.deepEqual(
      blobs.map(blob => blob.offset),
      [0, 122_880, 126_976],
    );
    for (const [name, info] of [
      ['m.data', written],
      ['m.onnx', graphFile],
    ] as const) {
      const bytes = await readFile(join(folder, name));
      const expected = { sha256: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length };
      assert.deepEqual(info, expected, name);
    }
    assert.ok(graphFile.sizeBytes < 2000, `${graphFile.sizeBytes}`);
    await assert.rejects(stat(join(folder, 'm.onnx.partial')));
  });

  it('removes a discarded data file', async () => {
    const data = await ExternalDataWriter.create(join(folder, 'gone.data'));
    await data.write(new Uint8Array(10));
    await data.discard();
    await assert.rejects(stat(join(folder, 'gone.data')), { code: 'ENOENT' });
  });

  const mistakes: [string, (graph: OnnxBuilder) => unknown, RegExp][] = [
    ['a value made twice', g => g.addInput('x', 'float32', [1]), /"x" is made twice/],
    ['a node output made twice', g => g.addNode('Neg', ['x'], ['x']), /"x" is made twice/],
    ['an unknown input', g => g.addNode('Neg', ['nope'], ['y']), /y uses "nope"/],
    ['an unknown output', g => g.addOutput('nope', 'float32', []), /uses "nope"/],
    ['a node without outputs', g => g.addNode('Neg', ['x'], []), /without outputs/],
    ['a float as an int', g => g.addNode('Elu', ['x'], ['y'], { alpha: 0.5 }), /write \{ float: 0.5 \}/],
    ['a wrong size', g => g.addInitializer('c', 'int64', [3], [1, 2]), /24 bytes, but has 16/],
    [
      'a big inline tensor',
      g => g.addInitializer('c', 'uint8', [70_000], new Uint8Array(70_000)),
      /use addExternal/,
    ],
  ];
  for (const [name, act, message] of mistakes) {
    it(`refuses ${name}`, () => {
      const graph = new OnnxBuilder('g', PRODUCER);
      graph.addInput('x', 'float32', [1]);
      assert.throws(() => act(graph), { code: 'internal', message });
    });
  }
});

describe('formats: external data of an ONNX file', () => {
  /** A model file whose one weight lies at `external`. */
  async function writeModel(
    external: Record<string, string>,
    where: 'initializer' | 'attribute' = 'initializer',
  ) {
    const externalData = Object.entries(external).map(([key, value]) => ({ key, value }));
    const tensor = { name: 'w', dims: [4], dataType: 2, dataLocation: 1, externalData };
    const inner = {
      name: 'inner',
      node: [{ opType: 'Constant', output: ['c'], attribute: [{ name: 'value', t: tensor }] }],
    };
    const model = onnx.ModelProto.fromObject({
      irVersion: 10,
      graph: {
        name: 'g',
        node: [
          {
            opType: 'If',
            input: ['x'],
            output: ['y'],
            attribute: where === 'attribute' ? [{ name: 'b', g: inner }] : [],
          },
        ],
        initializer: where === 'initializer' ? [tensor] : [],
      },
    });
    await mkdir(join(folder, 'model'), { recursive: true });
    await writeFile(join(folder, 'model/m.onnx'), onnx.ModelProto.encode(model).finish());
    await writeFile(join(folder, 'model/m.data'), new Uint8Array(100));
    await writeFile(join(folder, 'secret'), new Uint8Array(100));
    await symlink('../secret', join(folder, 'model/link')).catch(() => undefined);
    return join(folder, 'model/m.onnx');
  }

  it('accepts what the writer wrote', async () => {
    await buildModel();
    assert.deepEqual(await assertSafeOnnx(join(folder, 'm.onnx')), ['m.data']);
  });

  const refused: [Record<string, string>, RegExp][] = [
    [{ location: '../secret' }, /outside the model's folder/],
    [{ location: '../../x' }, /outside the model's folder/],
    [{ location: 'a/../../secret' }, /outside the model's folder/],
    [{ location: '..\\secret' }, /outside the model's folder/],
    [{ location: '/etc/passwd' }, /outside the model's folder/],
    [{ location: 'C:\\x' }, /outside the model's folder/],
    [{ location: 'C:x' }, /outside the model's folder/],
    [{ offset: '0' }, /outside the model's folder/],
    [{ location: 'link' }, /not a file there/],
    [{ location: 'absent.data' }, /not a file there/],
    [{ location: '.' }, /not a file there/],
    [{ location: 'm.data', offset: '101' }, /reaches outside m\.data/],
    [{ location: 'm.data', offset: '97', length: '4' }, /reaches outside m\.data/],
    [{ location: 'm.data', offset: '-4', length: '4' }, /reaches outside m\.data/],
    [{ location: 'm.data', offset: 'x' }, /reaches outside m\.data/],
  ];
  for (const [external, message] of refused) {
    for (const where of ['initializer', 'attribute'] as const) {
      it(`refuses ${JSON.stringify(external)} in an ${where}`, async () => {
        await assert.rejects(assertSafeOnnx(await writeModel(external, where)), {
          code: 'format-invalid',
          message,
        });
      });
    }
  }

  it('accepts data inside the folder', async () => {
    const path = await writeModel({ location: 'm.data', offset: '96', length: '4' }, 'attribute');
    assert.deepEqual(await assertSafeOnnx(path), ['m.data']);
  });

  it('refuses bytes that are not ONNX', async () => {
    const path = join(folder, 'x.onnx');
    for (const bytes of [new Uint8Array(0), Buffer.from('hello world'), new Uint8Array(64).fill(255)]) {
      await writeFile(path, bytes);
      await assert.rejects(assertSafeOnnx(path), { code: 'format-invalid' });
    }
  });
});
