/** All dialects, the most particular first. A new one is a file beside these and a line here. */
import type { ToolDialect } from './dialect.ts';
import { glm } from './glm.ts';
import { harmony } from './harmony.ts';
import { hermes } from './hermes.ts';
import { qwenCoder } from './qwen-coder.ts';

export const DIALECTS: readonly ToolDialect[] = [harmony, glm, qwenCoder, hermes];

/** The dialect that a chat template teaches; null if it teaches none that is known. */
export function dialectOf(template: string): ToolDialect | null {
  return DIALECTS.find(dialect => dialect.isTaughtBy(template)) ?? null;
}
