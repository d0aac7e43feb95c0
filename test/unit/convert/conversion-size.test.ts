/** What a conversion is said to write, against what it writes. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ConvertOptions, convertModel } from '../../../src/convert/convert.ts';
import { factsOfSource } from '../../../src/convert/facts.ts';
import type { ModelDims } from '../../../src/models/manifest.ts';
import { familyGolden, writeFamilyCheckpoint } from '../../support/family-checkpoint.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const FORMS: readonly Pick<ConvertOptions, 'variant' | 'products'>[] = [
  { variant: 'int4' },
  { variant: 'int8' },
  { variant: 'int8', products: 'blocks' },
  { variant: 'fp32' },
];
const PAGE = 4096;
/** Norms, biases and kernels are not counted, and take a page each, but parts of one matrix are. */
const pagesOf = ({ layers }: Pick<ModelDims, 'layers'>): number => 4 + 8 * layers;

describe('the size of a conversion', () => {
  let folder: string;
  let source: string;
  beforeEach(() => {
    folder = tempFolder();
    source = join(folder, 'published');
  });

  const convert = (given: Pick<ConvertOptions, 'variant'> & Partial<ConvertOptions>) =>
    convertModel({
      source,
      sourceSha256: '0'.repeat(64),
      id: 'tiny',
      name: 'Tiny',
      license: 'MIT',
      carvingFolder: null,
      drafterFolder: null,
      outFolder: join(folder, 'out'),
      ...given,
    });

  const check = async (form: (typeof FORMS)[number]): Promise<number> => {
    let told = 0;
    const requireRoom = async (bytes: number) => {
      told = bytes;
    };
    const { files, dims } = await convert({ ...form, requireRoom });
    const written = Object.entries(files)
      .filter(([name]) => name.endsWith('.data'))
      .reduce((sum, [, { sizeBytes }]) => sum + sizeBytes, 0);
    const pages = (written - told) / PAGE;
    assert.ok(Math.abs(pages) < pagesOf(dims), `${told} bytes told, ${written} written`);
    return told;
  };

  for (const family of ['qwen2', 'gpt_oss', 'glm4_moe', 'glm4_moe_lite', 'lfm2_moe', 'granitemoe'])
    for (const form of FORMS)
      it(`is told before it is made: ${family}, ${Object.values(form).join(' in ')}`, async () => {
        await writeFamilyCheckpoint(source, familyGolden(family));
        const told = await check(form);
        // Advice before the work is of 4 bits.
        if (form.variant === 'int4') assert.equal((await factsOfSource(source)).diskBytes, told);
      });

  it('ends the conversion where there is no room, and leaves nothing', async () => {
    await writeFamilyCheckpoint(source, familyGolden('qwen2'));
    const requireRoom = () => Promise.reject(new Error('no room'));
    await assert.rejects(convert({ variant: 'int4', requireRoom }), /no room/);
    assert.deepEqual(readdirSync(folder), ['published']);
  });
});
