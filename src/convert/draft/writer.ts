/** Writes the two files of a drafter; the description goes last, by rename, so that a half-made drafter is none. */
import { DRAFTER_BLOCK, DRAFTER_FORMAT, DRAFTER_JSON, type DrafterJson } from '../drafter.ts';
import { packRows } from '../quantise.ts';
import { writeSealed } from '../sealed-data.ts';
import type { Fit } from './fit.ts';

const DATA_FILE = 'drafter.bin';

/** Replaces the drafter in `folder`. */
export async function writeDrafter(
  folder: string,
  fit: Fit,
  origin: {
    /** Id of the model, the name of its folder under models/. */
    model: string;
    dims: DrafterJson['dims'];
    calibration: Omit<DrafterJson['calibration'], 'heldOut'>;
    createdBy: string;
  },
): Promise<void> {
  const { model, dims, calibration, createdBy } = origin;
  const inputs = fit.weight.length / dims.hidden;
  const { q, scales } = packRows(fit.weight, inputs, 8, DRAFTER_BLOCK);
  const codes = q.map(code => code ^ 0x80); // excess 128 to two's complement
  const fields = [fit.tokens, fit.bias, fit.gain, scales, codes];
  const bytes = Buffer.concat(fields.map(of => Buffer.from(of.buffer, of.byteOffset, of.byteLength)));
  await writeSealed(
    folder,
    { json: DRAFTER_JSON, data: DATA_FILE },
    bytes,
    (data): DrafterJson => ({
      format: DRAFTER_FORMAT,
      model,
      dims,
      taps: [...fit.taps],
      vocabulary: fit.tokens.length,
      calibration: { ...calibration, heldOut: fit.heldOut },
      data,
      createdBy,
    }),
  );
}
