/** Child process: packs the weights of a converted model (models/packed.ts). argv: model folder, folder for the packed graphs. */
import { mkdir } from 'node:fs/promises';
import { packModelGraphs } from '../../../src/engine/pack.ts';

async function main(folder: string, outFolder: string): Promise<void> {
  await mkdir(outFolder);
  await packModelGraphs({ folder, outFolder });
}

main(process.argv[2]!, process.argv[3]!).catch(error => {
  console.error(error);
  process.exitCode = 1;
});
