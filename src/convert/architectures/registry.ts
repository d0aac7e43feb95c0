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
import { qwen3Moe } from './qwen3-moe.ts';

const BUILDERS: Readonly<Record<Architecture, (checkpoint: Checkpoint) => Decoder | Promise<Decoder>>> = {
  qwen2: llama,
  qwen3: llama,
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

/** Throws `unsupported` for another architecture, `model-invalid` for settings that do not add up. */
export async function openDecoder(checkpoint: Checkpoint): Promise<Decoder> {
  const { architecture } = checkpoint;
  if (isConvertible(architecture)) return BUILDERS[architecture](checkpoint);
  throw new MoebiusError(
    'unsupported',
    `This version cannot convert models of architecture "${architecture}" (only ${ARCHITECTURES.join(', ')}).`,
  );
}
