/** What every request works with: the loaded model and the parts of the engine around it. */
import type { Manifest } from '../models/manifest.ts';
import type { ChatTemplate } from './chat-template.ts';
import type { Grammars } from './grammar/grammars.ts';
import type { SavedKv } from './kv-pages.ts';
import type { Sequences } from './sequences.ts';
import type { WorkerClient } from './session/worker-client.ts';
import type { SpeedMeter } from './speed-meter.ts';
import type { Tokenizer } from './tokenizer.ts';
import type { ToolDialect } from './tools/dialect.ts';

export interface EngineCore {
  manifest: Manifest;
  tokenizer: Tokenizer;
  /** null for a model without a chat template. */
  template: ChatTemplate | null;
  /** How the model was taught to call tools; null if it wasn't, or in a way that is not known. */
  dialect: ToolDialect | null;
  grammars: Grammars;
  worker: Pick<WorkerClient, 'request' | 'terminate'>;
  sequences: Sequences;
  /** Ends the reading ahead of experts. */
  warming: AbortController;
  /** null where nothing is saved. */
  savedKv: SavedKv | null;
  /** Rows of the largest sequence. */
  contextTokens: number;
  /** Ids that must never be sampled: the manifest's, and those the tokenizer doesn't know. */
  banned: readonly number[];
  prefillMeter: SpeedMeter;
  /** Tokens written, however many a run gave. */
  decodeMeter: SpeedMeter;
}
