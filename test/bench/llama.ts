/** llama.cpp through node-llama-cpp, with its defaults. */
import { type LlamaTokenPredictor, loadLlama } from '../support/llama.ts';
import type { Contender, ContenderConfig, Written } from './contender.ts';

export async function openLlama(config: ContenderConfig & { kind: 'llama' }): Promise<Contender> {
  const { model, context, systemInfo, lookup, dispose } = await loadLlama(
    config.gguf,
    config.contextTokens,
    config.threads,
  );
  let sequence = context.getSequence();
  let predictor: LlamaTokenPredictor | null = null;
  return {
    async settings() {
      const { batchSize, currentThreads, flashAttention } = context;
      return `threads ${currentThreads || config.threads}, batch ${batchSize}, flash attention ${flashAttention}, mmap ${model.useMmap}; ${systemInfo}`;
    },
    tokenize: async text => model.tokenize(text, false),
    async write(prompt, maxTokens, _level, { drafts = false, continues = false } = {}): Promise<Written> {
      if (drafts !== (predictor !== null)) {
        sequence.dispose();
        predictor = drafts ? lookup() : null;
        sequence = context.getSequence(predictor ? { tokenPredictor: predictor } : {});
      }
      if (!continues) await sequence.clearHistory();
      const start = performance.now();
      const tokens = model.tokenize(prompt, false);
      // As the library's own completion does; the predictor drafts nothing before it is told the prompt.
      predictor?.updateInputTokens(tokens);
      // The last token is read again in any case: its logits are not kept.
      await sequence.adaptStateToTokens(tokens.slice(0, -1), false);
      const reusedTokens = sequence.nextTokenIndex;
      const written: number[] = [];
      let firstTokenMs = 0;
      let lastMs = 0;
      for await (const token of sequence.evaluate(tokens.slice(reusedTokens), {
        temperature: 0,
        yieldEogToken: true,
      })) {
        lastMs = performance.now() - start;
        if (written.length === 0) firstTokenMs = lastMs;
        written.push(token);
        if (written.length === maxTokens || model.isEogToken(token)) break;
      }
      return {
        promptTokens: tokens.length,
        reusedTokens,
        steps: written.length - 1,
        firstTokenMs,
        decodeMs: lastMs - firstTokenMs,
        text: model.detokenize(written),
      };
    },
    async score(tokens) {
      await sequence.clearHistory();
      const input = tokens
        .slice(0, -1)
        .map((token): [number, { generateNext: { probabilities: true } }] => [
          token,
          { generateNext: { probabilities: true } },
        ]);
      const scores = new Float32Array(tokens.length - 1);
      const chunk = 32; // every row is a Map of the whole vocabulary
      for (let at = 0; at < input.length; at += chunk) {
        const rows = await sequence.controlledEvaluate(input.slice(at, at + chunk));
        rows.forEach((row, i) => {
          scores[at + i] = Math.log(row?.next.probabilities?.get(tokens[at + i + 1]!) ?? Number.MIN_VALUE);
        });
      }
      return scores;
    },
    close: dispose,
  };
}
