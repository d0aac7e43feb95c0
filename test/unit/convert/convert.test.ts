import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { convertModel } from '../../../src/convert/convert.ts';
import { familyGolden, writeFamilyCheckpoint } from '../../support/family-checkpoint.ts';
import { tempFolder } from '../../support/temp-folder.ts';

describe('converting', () => {
  for (const code of ['ENOSPC', 'EDQUOT']) {
    it(`says that there is no room, and leaves nothing: ${code}`, async () => {
      const folder = tempFolder();
      const source = join(folder, 'published');
      await writeFamilyCheckpoint(source, familyGolden('qwen2'));
      const converting = convertModel({
        ...{ source, sourceSha256: '0'.repeat(64), id: 'm', name: 'M', license: 'MIT', variant: 'fp32' },
        ...{ carvingFolder: null, drafterFolder: null, outFolder: join(folder, 'out') },
        onProgress: () => {
          throw Object.assign(new Error('write'), { code });
        },
      });
      await assert.rejects(converting, { code: 'disk-full', message: /needs room for .*out/ });
      assert.deepEqual(await readdir(folder), ['published']);
    });
  }
});
