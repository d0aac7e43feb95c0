/**
 * Architectures that convert can turn into graphs; its table of readers is typed by this list, so the two can't differ.
 * It lies here because the editor, which never converts by itself, has to know what to offer.
 */
export const ARCHITECTURES = [
  'qwen2',
  'qwen3',
  'llama',
  'qwen3_moe',
  'olmoe',
  'glm4_moe',
  'glm4_moe_lite',
  'gpt_oss',
  'granitemoe',
  'granitemoeshared',
  'lfm2_moe',
] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

export function isConvertible(architecture: string): architecture is Architecture {
  return (ARCHITECTURES as readonly string[]).includes(architecture);
}
