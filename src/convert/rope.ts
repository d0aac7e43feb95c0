/**
 * Rotary position embeddings: how fast each pair of channels turns, with the ways of stretching them over longer texts.
 * Sources: RoFormer (arXiv 2104.09864), YaRN (arXiv 2309.00071), and transformers' modeling_rope_utils.py for the settings.
 */
import { MoebiusError } from '../base/errors.ts';
import type { Config } from './config.ts';

export interface Rope {
  /** Radians a position for each pair of rotated channels. Channels after these are not rotated. */
  frequencies: Float64Array;
  /** Of sine and cosine alike. */
  scale: number;
}

/** Settings in either form: under `rope_parameters`, or as `rope_theta` beside `rope_scaling`. */
export function ropeOf(config: Config, headDim: number): Rope {
  const section = config.has('rope_parameters')
    ? config.section('rope_parameters')
    : config.section('rope_scaling');
  const theta = section.has('rope_theta')
    ? section.number('rope_theta')
    : config.number('rope_theta', 10_000);
  const share = section.has('partial_rotary_factor')
    ? section.number('partial_rotary_factor')
    : config.number('partial_rotary_factor', 1);
  const width = Math.floor(headDim * share);
  const plain = Float64Array.from({ length: width / 2 }, (_, i) => theta ** ((-2 * i) / width));
  const kind = section.string('rope_type', section.string('type', 'default'));
  const original = () => trainedPositions(config, section);
  switch (kind) {
    case 'default':
      return { frequencies: plain, scale: 1 };
    case 'linear':
      return { frequencies: plain.map(frequency => frequency / section.number('factor')), scale: 1 };
    case 'llama3':
      return { frequencies: plain.map(frequency => llama3(frequency, original(), section)), scale: 1 };
    case 'yarn':
      return yarn(plain, theta, width, original(), section);
  }
  throw new MoebiusError(
    'unsupported',
    `Positions of kind "${kind}" are not supported (default, linear, llama3, yarn).`,
  );
}

/** Positions before they were stretched: all of them where that is not said. */
function trainedPositions(config: Config, section: Config): number {
  const key = 'original_max_position_embeddings';
  const saying = [config, section].find(one => one.has(key));
  return saying ? saying.number(key) : config.number('max_position_embeddings');
}

/** Slow turns are stretched by `factor`, fast ones kept, those between blended. */
function llama3(frequency: number, original: number, settings: Config): number {
  const factor = settings.number('factor');
  const [low, high] = [settings.number('low_freq_factor'), settings.number('high_freq_factor')];
  const turns = (original * frequency) / (2 * Math.PI);
  const kept = Math.min(1, Math.max(0, (turns - low) / (high - low)));
  return frequency * (kept + (1 - kept) / factor);
}

function yarn(plain: Float64Array, theta: number, width: number, original: number, settings: Config): Rope {
  const factor = settings.number('factor');
  const pairOf = (turns: number) =>
    (width * Math.log(original / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  let low = pairOf(settings.number('beta_fast', 32));
  let high = pairOf(settings.number('beta_slow', 1));
  if (settings.boolean('truncate', true)) [low, high] = [Math.floor(low), Math.ceil(high)];
  low = Math.max(low, 0);
  high = Math.min(high, width - 1);
  if (low === high) high += 0.001;
  const frequencies = plain.map((frequency, i) => {
    const stretched = Math.min(1, Math.max(0, (i - low) / (high - low)));
    return frequency * (1 - stretched + stretched / factor);
  });
  const magnitude = (by: number) => (factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1);
  const [mscale, all] = [settings.number('mscale', 0), settings.number('mscale_all_dim', 0)];
  const fallback = mscale && all ? magnitude(mscale) / magnitude(all) : magnitude(1);
  return { frequencies, scale: settings.number('attention_factor', fallback) };
}

/** Tables of RotaryEmbedding: cos and sin f32 [positions, pairs]. */
export function ropeTables(
  { frequencies, scale }: Rope,
  positions: number,
): { cos: Float32Array; sin: Float32Array } {
  const pairs = frequencies.length;
  const cos = new Float32Array(positions * pairs);
  const sin = new Float32Array(positions * pairs);
  for (let j = 0; j < pairs; j++) {
    for (let position = 0; position < positions; position++) {
      cos[position * pairs + j] = Math.cos(position * frequencies[j]!) * scale;
      sin[position * pairs + j] = Math.sin(position * frequencies[j]!) * scale;
    }
  }
  return { cos, sin };
}
