/**
 * Rewriting a piece of a file with a small change, as an edit does: most of the answer stands in the prompt, where drafts
 * pay. Each engine with and without them.
 */
import { LEVEL_FILES, readCorpus } from '../corpus.ts';
import { type Figure, type Log, llamaConfig, moebiusConfig, type Plan } from '../plan.ts';
import { requireSameTokens, rotated, Samples, withContenders } from '../rounds.ts';
import { perSecond } from '../statistics.ts';

const LINES = 60;
const ANSWER = 300;

export function edit(plan: Plan, log: Log): Promise<Figure[]> {
  return withContenders([...llamaConfig(plan), ...moebiusConfig(plan, 'int4')], async contenders => {
    const entries = contenders.flatMap(contender =>
      [false, true].map(drafts => ({
        label: `${contender.name}${drafts ? ', drafts' : ''}`,
        contender,
        drafts,
      })),
    );
    const writing = new Samples(entries.map(entry => entry.label));
    for (const { contender } of entries) await contender.write('def warm_up():\n', 8, 'exact');
    for (let round = 0; round < plan.rounds; round++) {
      const prompt = task(LEVEL_FILES[round % LEVEL_FILES.length]!);
      await requireSameTokens(contenders, prompt);
      for (const { label, contender, drafts } of rotated(entries, round)) {
        const { steps, decodeMs } = await contender.write(prompt, plan.quick ? 100 : ANSWER, 'exact', drafts);
        writing.add(label, perSecond(steps, decodeMs));
      }
      log(`edit: round ${round + 1} of ${plan.rounds}`);
    }
    return [writing.figure('edit', `rewrite ${LINES} lines with a change`, 'tokens/s')];
  });
}

/** The middle of a file, and the head of an answer that gives it back with a name changed. */
function task(file: string): string {
  const lines = readCorpus([file]).text.split('\n');
  const from = lines.findIndex((line, i) => i > lines.length / 2 && /^(\s{4})?def /.test(line));
  const code = lines.slice(from, from + LINES).join('\n');
  const name = /def (\w+)/.exec(code)![1]!;
  return `# Part of ${file}\n\n\`\`\`python\n${code}\n\`\`\`\n\nThe same code with \`${name}\` renamed to \`renamed_${name}\`, everything else unchanged:\n\n\`\`\`python\n`;
}
