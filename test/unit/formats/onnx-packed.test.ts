/** Packed graphs as onnxruntime 1.30 saves them (blobs end to end), laid on page boundaries; and what is refused. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import { alignPacked, assertSafePacked } from '../../../src/formats/onnx-packed.ts';

const DATA = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 251));

interface Weight {
  offset: number;
  length: number;
  packed?: string;
}

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

  async function save(weights: Weight[]): Promise<void> {
    const initializer = weights.map(
      ({ offset, length, packed }, i) =>
        new onnx.TensorProto({
          name: `w${i}`,
          dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
          externalData: [
            { key: 'location', value: 'saved.data' },
            { key: 'offset', value: String(offset) },
            { key: 'length', value: String(length) },
            ...(packed ? [{ key: 'prepacked_0', value: packed }] : []),
          ],
        }),
    );
    const model = new onnx.ModelProto({ graph: new onnx.GraphProto({ initializer }) });
    await writeFile(graphAt('saved').onnx, onnx.ModelProto.encode(model).finish());
    await writeFile(graphAt('saved').data, DATA);
  }

  const align = () => alignPacked(graphAt('saved'), graphAt('out'));

  it('moves every blob to a page boundary and says where', async () => {
    await save([
      { offset: 3, length: 100, packed: 'MatMulNBits+123|103;57;0' },
      { offset: 160, length: 40 },
    ]);
    await align();
    const model = onnx.ModelProto.decode(await readFile(graphAt('out').onnx));
    const data = await readFile(graphAt('out').data);
    const [first, second] = model.graph!.initializer!.map(({ externalData }) =>
      Object.fromEntries(externalData!.map(({ key, value }) => [key!, value!])),
    );
    assert.equal(first!.location, 'out.data');
    const [, offset, length] = /^MatMulNBits\+123\|(\d+);(\d+);0$/.exec(first!.prepacked_0!)!;
    for (const [at, from, size] of [
      [Number(first!.offset), 3, 100],
      [Number(offset), 103, 57],
      [Number(second!.offset), 160, 40],
    ] as const) {
      assert.equal(at % 4096, 0);
      assert.deepEqual(data.subarray(at, at + size), DATA.subarray(from, from + size));
    }
    assert.equal(length, '57');
    await assertSafePacked(graphAt('out').onnx);
  });

  const refused: [string, Weight[], RegExp][] = [
    ['nothing packed', [{ offset: 0, length: 10 }], /nothing in it is packed/],
    ['several blobs for a weight', [{ offset: 0, length: 10, packed: 'M+1|0;5;6;7;0' }], /is described as/],
    ['a description of another kind', [{ offset: 0, length: 10, packed: 'M+1' }], /is described as/],
    ['a blob past the end', [{ offset: 0, length: 10, packed: 'M+1|990;11;0' }], /outside its file/],
    ['a weight past the end', [{ offset: 995, length: 10, packed: 'M+1|0;5;0' }], /outside its file/],
  ];
  for (const [name, weights, message] of refused) {
    it(`refuses ${name}, and leaves nothing`, async () => {
      await save(weights);
      await assert.rejects(align(), { code: 'format-invalid', message });
      assert.deepEqual((await readdir(folder)).sort(), ['saved.data', 'saved.onnx']);
    });
  }

  it('refuses to open a graph whose packed weights lie outside their file', async () => {
    await save([{ offset: 0, length: 10, packed: 'M+1|900;100;0' }]);
    await assertSafePacked(graphAt('saved').onnx);
    for (const packed of ['M+1|900;101;0', 'M+1|900;10;3;0', 'x']) {
      await save([{ offset: 0, length: 10, packed }]);
      await assert.rejects(assertSafePacked(graphAt('saved').onnx), { code: 'format-invalid' });
    }
  });
});
