/** What carving.json says of a carving, for the reader who has just made it. */
import type { CarvingJson } from '../convert/carving.ts';

const count = (value: number): string => value.toLocaleString('en-US');
const percent = (part: number): string => `${(100 * part).toFixed(0)} %`;

export function carvingReport({
  dims,
  sharedNeurons,
  routed,
  routedNeurons,
  calibration,
  quality,
}: CarvingJson): string {
  const experts = `${count(routed)} routed experts of ${count(routedNeurons)} neurons`;
  const lines = [
    `Each of ${dims.layers} layers: ${sharedNeurons > 0 ? `one shared expert of ${count(sharedNeurons)} and ${experts}` : experts}.`,
    `Made from ${count(calibration.tokens)} tokens; the corpus has ${count(calibration.files)} files.`,
  ];
  if (!quality) return [...lines, 'It was not tried: the corpus has no further text for that.'].join('\n');
  const { tokens, errors } = quality;
  const row = (name: string, cells: string[]) =>
    [name.padEnd(16), ...cells.map(cell => cell.padStart(8))].join('');
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const shown = (value: number) => value.toFixed(3);
  return [
    ...lines,
    `Tried on ${count(tokens)} tokens that it was not made from: error of a layer's feed-forward output, as a part of the output.`,
    row(
      'experts',
      errors.map(error => count(error.experts)),
    ),
    row(
      'neurons active',
      errors.map(error => percent(error.active)),
    ),
    ...Array.from({ length: dims.layers }, (_, layer) =>
      row(
        `layer ${layer}`,
        errors.map(error => shown(error.layers[layer]!)),
      ),
    ),
    row(
      'mean',
      errors.map(error => shown(mean(error.layers))),
    ),
  ].join('\n');
}
