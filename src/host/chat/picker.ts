/** What the model and level pickers show. */
import { defaultModel } from '../../models/catalogue.ts';
import type { ChatLevel, Picker } from '../../protocol/webview.ts';
import type { Daemon } from '../context.ts';
import { firstVariants, modelInUse } from '../models/model-in-use.ts';

/** `frugal` also writes with fewer experts; it is a setting, not a choice for every message. */
const SHOWN_LEVELS = ['exact', 'balanced', 'fast'] as const;

/** `chosen`: the model that the next message loads if there is none yet. */
export async function readPicker(
  daemon: Pick<Daemon, 'state' | 'listModels'>,
  level: ChatLevel,
  chosen: string | null,
): Promise<Picker> {
  // A daemon that can't be asked says so in the phase line; the picker is then empty, without an offer.
  const models = await daemon.listModels().catch(() => null);
  const wanted = modelInUse(daemon.state) ?? chosen;
  const current = models?.find(model => model.id === wanted) ?? models?.[0];
  const levels = current?.capabilities.levels ?? [];
  return {
    models: firstVariants(models ?? []).map(({ id, name }) => ({ id, name })),
    current: current?.id ?? null,
    levels: levels.length > 1 ? ['auto', ...SHOWN_LEVELS.filter(shown => levels.includes(shown))] : [],
    level,
    download: models?.length === 0 ? defaultDownload() : null,
  };
}

/** Offered when nothing is installed. */
function defaultDownload(): Picker['download'] {
  const { name, sizeBytes } = defaultModel();
  return { name, sizeBytes };
}
