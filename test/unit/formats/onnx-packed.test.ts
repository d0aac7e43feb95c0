/** Packed graphs: what is taken of what the runtime saves, where it is laid, and what is refused. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import { assertSafePacked, PackedWriter, writeParts } from '../../../src/formats/onnx-packed.ts';

const PLAIN = Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 253));
const SAVED = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 251));

describe('formats: packed graphs', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'moebius-packed-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const graphAt = (name: string) => ({
    onnx: join(folder, `${name}.onnx`),
    data: join(folder, `${name}.data`),
  });

  const tensor = (name: string, location: string, fields: Record<string, string>) =>
    new onnx.TensorProto({
      name,
      dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
      externalData: Object.entries({ location, ...fields }).map(([key, value]) => ({ key, value })),
    });
  const product = (name: string) =>
    new onnx.NodeProto({
      name,
      opType: 'MatMulNBits',
      domain: 'com.microsoft',
      input: ['x', `${name}.weight`, `${name}.scales`],
      output: [name],
      attribute: [
        { name: 'K', i: 64 },
        { name: 'N', i: 32 },
      ],
    });
  async function write(name: string, data: Buffer, graph: onnx.IGraphProto) {
    const model = new onnx.ModelProto({ irVersion: 10, graph: new onnx.GraphProto(graph) });
    await writeFile(graphAt(name).onnx, onnx.ModelProto.encode(model).finish());
    await writeFile(graphAt(name).data, data);
  }
  /** Three products, and a weight that is no product's. */
  const writePlain = () =>
    write('plain', PLAIN, {
      node: [
        product('a'),
        new onnx.NodeProto({ opType: 'Add', input: ['a', 'b'], output: ['c'] }),
        product('b'),
        product('c'),
      ],
      initializer: [
        ...['a', 'b', 'c'].flatMap((name, i) => [
          tensor(`${name}.weight`, 'plain.data', { offset: String(1000 * i), length: '1000' }),
          tensor(`${name}.scales`, 'plain.data', { offset: String(3000 + 50 * i), length: '50' }),
        ]),
        tensor('norm', 'plain.data', { offset: '4096', length: '100' }),
      ],
    });
  const writeSaved = (packed: Record<string, string>) =>
    write('saved', SAVED, {
      initializer: Object.entries(packed).map(([name, value]) =>
        tensor(name, 'saved.data', { offset: '0', length: '10', prepacked_0: value }),
      ),
    });
  const decode = async (name: string) => onnx.ModelProto.decode(await readFile(graphAt(name).onnx));

  it('takes a graph apart into parts that hold its products and their weights', async () => {
    await writePlain();
    const parts: onnx.ModelProto[] = [];
    const beside = join(folder, 'parts');
    for await (const path of writeParts(graphAt('plain'), beside, 1500)) {
      parts.push(onnx.ModelProto.decode(await readFile(path)));
      assert.deepEqual(await readFile(join(beside, 'plain.data')), PLAIN);
    }
    assert.deepEqual((await readdir(folder)).sort(), ['plain.data', 'plain.onnx']);
    assert.deepEqual(
      parts.map(({ graph }) => graph!.initializer!.map(({ name }) => name)),
      [
        ['a.weight', 'a.scales', 'b.weight', 'b.scales'],
        ['c.weight', 'c.scales'],
      ],
    );
    const [{ graph }] = parts as [onnx.ModelProto];
    assert.deepEqual(
      graph!.node!.map(({ input, output }) => [...input!, '->', ...output!].join(' ')),
      ['in.0 a.weight a.scales -> out.0', 'in.1 b.weight b.scales -> out.1'],
    );
    const widths = [...graph!.input!, ...graph!.output!].map(({ type }) =>
      Number(type!.tensorType!.shape!.dim![1]!.dimValue),
    );
    assert.deepEqual(widths, [64, 64, 32, 32]);
  });

  it('takes products of codes apart as well, with what they share but once', async () => {
    const codes = (name: string) =>
      new onnx.NodeProto({
        ...{ name, opType: 'MatMulIntegerToFloat', domain: 'com.microsoft', output: [name] },
        input: ['x', `${name}.weight`, 'one', `${name}.scales`, 'zero'],
      });
    const weight = (name: string) =>
      new onnx.TensorProto({
        ...tensor(`${name}.weight`, 'plain.data', { offset: '0', length: '24' }),
        dims: [8, 3],
      });
    const shared = ['one', 'zero'].map(name => new onnx.TensorProto({ name, dims: [], dataType: 1 }));
    await write('plain', PLAIN, {
      node: [codes('a'), codes('b')],
      initializer: [weight('a'), weight('b'), ...shared],
    });
    const parts: onnx.IGraphProto[] = [];
    for await (const path of writeParts(graphAt('plain'), join(folder, 'parts'), 1500))
      parts.push(onnx.ModelProto.decode(await readFile(path)).graph!);
    assert.deepEqual(
      parts.map(({ initializer }) => initializer!.map(({ name }) => name)),
      [['a.weight', 'one', 'zero', 'b.weight']],
    );
    const shapes = [...parts[0]!.input!, ...parts[0]!.output!].map(({ type }) => [
      type!.tensorType!.elemType,
      Number(type!.tensorType!.shape!.dim![1]!.dimValue),
    ]);
    const [uint8, float32] = [2, 1];
    assert.deepEqual(shapes, [
      [uint8, 8],
      [uint8, 8],
      [float32, 3],
      [float32, 3],
    ]);
  });

  it('leaves the plain weights where they are, and lays every packed one on a page boundary', async () => {
    await writePlain();
    const writer = await PackedWriter.create(graphAt('plain'), graphAt('out'));
    await writeSaved({ 'a.weight': 'MatMulNBits+1|103;57;0', 'b.weight': 'MatMulNBits+2|160;40;0' });
    await writer.add(graphAt('saved'));
    await writeSaved({ 'c.weight': 'MatMulNBits+3|7;100;0' });
    await writer.add(graphAt('saved'));
    await writer.close();

    const data = await readFile(graphAt('out').data);
    assert.deepEqual(data.subarray(0, PLAIN.length), PLAIN);
    const { graph } = await decode('out');
    const entries = new Map(
      graph!.initializer!.map(({ name, externalData }) => [
        name,
        Object.fromEntries(externalData!.map(({ key, value }) => [key!, value!])),
      ]),
    );
    for (const [name, kernel, from, size] of [
      ['a.weight', 'MatMulNBits+1', 103, 57],
      ['b.weight', 'MatMulNBits+2', 160, 40],
      ['c.weight', 'MatMulNBits+3', 7, 100],
    ] as const) {
      const [, found, offset, length] = /^(.+)\|(\d+);(\d+);0$/.exec(entries.get(name)!.prepacked_0!)!;
      assert.deepEqual([found, Number(length), Number(offset) % 4096], [kernel, size, 0]);
      const at = Number(offset);
      assert.ok(at >= PLAIN.length);
      assert.deepEqual(data.subarray(at, at + size), SAVED.subarray(from, from + size));
    }
    assert.deepEqual(entries.get('norm'), { location: 'out.data', offset: '4096', length: '100' });
    await assertSafePacked(graphAt('out').onnx);
  });

  const refused: [string, Record<string, string>, RegExp][] = [
    ['nothing packed', {}, /nothing in it is packed/],
    ['several blobs for a weight', { a: 'M+1|0;5;6;7;0' }, /is described as/],
    ['a description of another kind', { a: 'M+1' }, /is described as/],
    ['a blob past the end', { a: 'M+1|990;11;0' }, /outside its file/],
  ];
  for (const [name, packed, message] of refused) {
    it(`refuses ${name}, and leaves nothing`, async () => {
      await writePlain();
      await writeSaved(packed);
      const writer = await PackedWriter.create(graphAt('plain'), graphAt('out'));
      const packing = (async () => {
        await writer.add(graphAt('saved'));
        await writer.close();
      })();
      await assert.rejects(packing, { code: 'format-invalid', message });
      await writer.discard();
      const left = (await readdir(folder)).sort();
      assert.deepEqual(left, ['plain.data', 'plain.onnx', 'saved.data', 'saved.onnx']);
    });
  }

  it('refuses to open a graph whose packed weights lie outside their file', async () => {
    await writeSaved({ a: 'M+1|900;100;0' });
    await assertSafePacked(graphAt('saved').onnx);
    for (const packed of ['M+1|900;101;0', 'M+1|900;10;3;0', 'x']) {
      await writeSaved({ a: packed });
      await assert.rejects(assertSafePacked(graphAt('saved').onnx), { code: 'format-invalid' });
    }
  });
});
