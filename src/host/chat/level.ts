/** How thoroughly a chat is read: what the setting says, for the model that is loaded. Pure. */
import { EXPERT_LEVELS, type ExpertLevel, type ModelInfo } from '../../protocol/daemon.ts';
import type { ChatLevel } from '../../protocol/webview.ts';

export const CHAT_LEVELS: readonly ChatLevel[] = ['auto', ...EXPERT_LEVELS];

/** Of a value that anybody may have written into the settings. */
export const readLevel = (value: unknown): ChatLevel => CHAT_LEVELS.find(level => level === value) ?? 'auto';

/** With `auto` what the model was measured to stand; a model without the level reads with all experts. */
export function levelFor(
  level: ChatLevel,
  { capabilities, experts }: Pick<ModelInfo, 'capabilities' | 'experts'>,
): ExpertLevel {
  const chosen = level === 'auto' ? experts?.chatLevel : level;
  return chosen !== undefined && capabilities.levels.includes(chosen) ? chosen : 'exact';
}
