/** Fill-in-the-middle prompts, in the form the model was trained on (Qwen2.5-Coder technical report, section 3.2). */
import { MoebiusError } from '../base/errors.ts';
import type { CompleteParams } from '../protocol/daemon.ts';
import type { EngineCore } from './core.ts';
import type { GenerateRequest } from './generate.ts';
import { holdLastWord } from './held-text.ts';

const DEFAULT_MAX_TOKENS = 128;
/** Nobody knows the repository's name here, and a constant keeps the cached prefix. */
const REPOSITORY = 'workspace';

/** What a prompt is made with. */
export type PromptParts = Pick<EngineCore, 'manifest' | 'tokenizer'>;

/** Tokens and settings of a `complete` call. Throws `unsupported` when the model can't fill in. */
export function completeRequest(core: PromptParts, params: CompleteParams): GenerateRequest {
  const { tokens } = core.manifest;
  const { fim } = tokens;
  if (!fim)
    throw new MoebiusError('unsupported', `${core.manifest.name} can't fill in the middle of a text.`);
  // Where another file or another gap would begin, the text for this one has ended.
  const endings = [fim.prefix, fim.suffix, fim.middle, fim.fileSeparator, fim.repoName, tokens.pad];
  const stop = [...(params.stop ?? []), ...(params.singleLine ? ['\n'] : [])];
  const [middle, held] = holdLastWord(params.middle ?? '');
  return {
    prompt: [...context(core, params), ...gap(core, { ...params, middle })],
    held,
    sampling: { ...params, maxTokens: params.maxTokens ?? DEFAULT_MAX_TOKENS, stop },
    sequence: params.sequence ?? 'completion',
    stopTokens: new Set([...tokens.eos, ...endings.filter(id => id !== null)]),
    patience: 1,
    wantLogProb: true,
    prefillBudgetMs: params.prefillBudgetMs,
    decodeBudgetMs: params.decodeBudgetMs,
    ...(params.level ? { level: params.level } : {}),
  };
}

/** Other files and the name of this one: <|repo_name|>name \n <|file_sep|>path \n text ... <|file_sep|>path \n */
function context({ manifest, tokenizer }: PromptParts, { files = [], path }: CompleteParams): number[] {
  const { fileSeparator, repoName } = manifest.tokens.fim!;
  const ids = manifest.tokens.bos === null ? [] : [manifest.tokens.bos];
  if (fileSeparator === null || (files.length === 0 && path === undefined)) return ids;
  if (repoName !== null && files.length > 0) ids.push(repoName, ...tokenizer.encodePlain(`${REPOSITORY}\n`));
  for (const file of files) {
    const text = file.text.endsWith('\n') ? file.text : `${file.text}\n`;
    ids.push(fileSeparator);
    for (const id of tokenizer.encodePlain(`${file.path}\n${text}`)) ids.push(id);
  }
  ids.push(fileSeparator, ...tokenizer.encodePlain(`${path ?? 'untitled'}\n`));
  return ids;
}

function gap({ manifest, tokenizer }: PromptParts, params: CompleteParams): number[] {
  const { prefix, suffix, middle = '', files = [] } = params;
  const fim = manifest.tokens.fim!;
  const before = fim.fileSeparator === null ? files.map(file => `${file.text}\n`).join('') : '';
  const prefixIds = [fim.prefix, ...tokenizer.encodePlain(before + prefix)];
  const suffixIds = [fim.suffix, ...tokenizer.encodePlain(suffix)];
  const ordered = fim.order === 'psm' ? [prefixIds, suffixIds] : [suffixIds, prefixIds];
  return [...ordered.flat(), fim.middle, ...tokenizer.encodePlain(middle)];
}
