/** All dialects. A new one is a file beside these, a line here, and one in models/tool-dialect.ts: how a template shows it. */
import { taughtDialect } from '../../models/tool-dialect.ts';
import type { ToolDialect } from './dialect.ts';
import { glm } from './glm.ts';
import { harmony } from './harmony.ts';
import { hermes } from './hermes.ts';
import { qwenCoder } from './qwen-coder.ts';

export const DIALECTS: readonly ToolDialect[] = [harmony, glm, qwenCoder, hermes];

/** The dialect that a chat template teaches; null if it teaches none that is known. */
export function dialectOf(template: string): ToolDialect | null {
  const name = taughtDialect(template);
  return DIALECTS.find(dialect => dialect.name === name) ?? null;
}
