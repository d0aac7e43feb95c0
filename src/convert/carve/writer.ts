/** Writes the two files of a carving; the description goes last, by rename, so that a half-made carving is none. */
import { MoebiusError } from '../../base/errors.ts';
import {
  CARVING_FORMAT,
  CARVING_JSON,
  type CarvedLayer,
  type Carving,
  type CarvingDims,
  type CarvingJson,
  type CarvingQuality,
  layerBytes,
  layerFault,
} from '../carving.ts';
import { writeSealed } from '../sealed-data.ts';
import { toHalfBits } from './half.ts';

export interface CarvingOrigin {
  /** Id of the model, the name of its folder under models/. */
  model: string;
  dims: CarvingDims;
  calibration: CarvingJson['calibration'];
  quality?: CarvingQuality;
  createdBy: string;
}

const DATA_FILE = 'carving.bin';

/** Replaces the carving in `folder`. Errors: `internal` if a number does not fit half precision (nothing is written). */
export async function writeCarving(folder: string, carving: Carving, origin: CarvingOrigin): Promise<void> {
  const bytes = Buffer.concat(carving.layers.flatMap(layerParts));
  if (bytes.length !== origin.dims.layers * layerBytes(origin.dims, carving.routed)) {
    throw new MoebiusError('internal', 'The carving does not have the shape of its model.');
  }
  const { sharedNeurons, routed, routedNeurons, levels } = carving;
  const { model, dims, calibration, quality, createdBy } = origin;
  await writeSealed(
    folder,
    { json: CARVING_JSON, data: DATA_FILE },
    bytes,
    (data): CarvingJson => ({
      format: CARVING_FORMAT,
      model,
      dims,
      sharedNeurons,
      routed,
      routedNeurons,
      levels,
      calibration,
      ...(quality && { quality }),
      data,
      createdBy,
    }),
  );
}

function layerParts(layer: CarvedLayer, index: number): Buffer[] {
  const { attentionIn, attentionOut, feedForwardIn, feedForwardMid } = layer.importance;
  const roots = [attentionIn, attentionOut, feedForwardIn, feedForwardMid].map(values =>
    values.map(Math.sqrt),
  );
  const halves = [layer.router, ...roots].map(toHalfBits);
  const overflows = halves.some(bits => bits.some(value => (value & 0x7c00) === 0x7c00));
  const fault = overflows ? 'a number does not fit half precision' : layerFault(layer);
  if (fault) throw new MoebiusError('internal', `Layer ${index} of the carving can't be written: ${fault}.`);
  const [router, ...importance] = halves.map(littleEndian16);
  return [littleEndian16(layer.order), router!, littleEndian32(layer.routerBias), ...importance];
}

function littleEndian16(values: Uint16Array): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => {
    bytes.writeUInt16LE(value, index * 2);
  });
  return bytes;
}

function littleEndian32(values: Float32Array): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => {
    bytes.writeFloatLE(value, index * 4);
  });
  return bytes;
}
