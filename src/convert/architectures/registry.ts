/** Every architecture that can be converted, by the `model_type` of config.json. */
import { MoebiusError } from '../../base/errors.ts';
import { ARCHITECTURES, type Architecture, isConvertible } from '../../models/architectures.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { Decoder } from './decoder.ts';
import { glm4Moe } from './glm4-moe.ts';
import { glm4MoeLite } from './glm4-moe-lite.ts';
import { gptOss } from './gpt-oss.ts';
import { graniteMoe } from './granitemoe.ts';
import { lfm2Moe } from './lfm2-moe.ts';
import { llama } from './llama.ts';
import { olmoe } from './olmoe.ts';
import { qwen } from './qwen.ts';
import { qwen3Moe } from './qwen3-moe.ts';

const BUILDERS: Readonly<Record<Architecture, (checkpoint: Checkpoint) => Decoder | Promise<Decoder>>> = {
  qwen2: qwen,
  qwen3: qwen,
  llama,
  qwen3_moe: qwen3Moe,
  olmoe,
  glm4_moe: glm4Moe,
  glm4_moe_lite: glm4MoeLite,
  gpt_oss: gptOss,
  granitemoe: graniteMoe,
  granitemoeshared: graniteMoe,
  lfm2_moe: lfm2Moe,
};

/** Both names of what every gated unit in graph/ computes; gpt-oss says so too of its clamped form. */
const ACTIVATIONS: readonly string[] = ['silu', 'swish'];

const FLOATS: readonly string[] = ['F32', 'F16', 'BF16'];

/** Throws `unsupported` for another architecture, activation or quantisation, `model-invalid` for settings that do not add up. */
export async function openDecoder(checkpoint: Checkpoint): Promise<Decoder> {
  const { architecture, config } = checkpoint;
  if (!isConvertible(architecture)) {
    throw new MoebiusError(
      'unsupported',
      `This version cannot convert models of architecture "${architecture}" (only ${ARCHITECTURES.join(', ')}).`,
    );
  }
  const quantisation = quantisationOf(checkpoint);
  if (quantisation !== null && quantisation !== 'mxfp4') {
    throw new MoebiusError(
      'unsupported',
      `The model's weights are quantised by ${quantisation}, which can't be read. Choose the original weights or a GGUF of them.`,
    );
  }
  const activation = config.string('hidden_act', 'silu');
  if (!ACTIVATIONS.includes(activation)) {
    throw new MoebiusError('unsupported', `Models with the activation "${activation}" are not supported.`);
  }
  return BUILDERS[architecture](checkpoint);
}

/** Whatever it is, tensors have other names, types and shapes by it. MLX names no method. */
function quantisationOf({ config, types }: Checkpoint): string | null {
  // What is trained on top of a quantised model and saved as floats often keeps the setting.
  if ([...types].every(type => FLOATS.includes(type))) return null;
  const method = config.section('quantization_config').string('quant_method', '');
  return method || (config.has('quantization') ? 'MLX' : null);
}
