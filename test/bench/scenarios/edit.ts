/**
 * Rewriting a stretch of a file with three small changes, as an agent's edit does: most of the answer stands in the
 * prompt, where drafts pay. Each engine with and without them.
 */
import { LEVEL_FILES, readCorpus } from '../corpus.ts';
import { type Figure, type Log, labelOf, llamaConfig, moebiusConfig, type Plan } from '../plan.ts';
import { eachRound, requireSameTokens, rotated, Samples, withContenders } from '../rounds.ts';
import { perSecond } from '../statistics.ts';

const LINES = 120;
const CHANGES = 3;
/** Longer than any of the answers, and as much of them as a quick run waits for. */
const ANSWER = { full: 1900, quick: 150 };
const CONTEXT_TOKENS = 4096;

interface Task {
  prompt: string;
  /** What the answer holds when all changes were made. */
  expected: string[];
}

export function edit(plan: Plan, log: Log): Promise<Figure[]> {
  const configs = [
    ...llamaConfig(plan, CONTEXT_TOKENS),
    ...moebiusConfig(plan, plan.variant, CONTEXT_TOKENS),
  ];
  return withContenders(configs, async contenders => {
    const entries = contenders.flatMap(contender =>
      [false, true].map(drafts => ({ label: labelOf(contender.name, drafts), contender, drafts })),
    );
    const labels = entries.map(entry => entry.label);
    const writing = new Samples(labels);
    const total = new Samples(labels);
    const changes = new Samples(labels);
    for (const { contender, drafts } of entries)
      await contender.write('def warm_up():\n', 8, 'exact', { drafts });
    for (const round of eachRound(plan, 'edit', log)) {
      const { prompt, expected } = renaming(LEVEL_FILES[round % LEVEL_FILES.length]!);
      await requireSameTokens(contenders, prompt);
      for (const { label, contender, drafts } of rotated(entries, round)) {
        const limit = ANSWER[plan.quick ? 'quick' : 'full'];
        // Without `continues` llama.cpp reads the prompt again; Moebius keeps it, so only writing is compared.
        const answer = await contender.write(prompt, limit, 'exact', { drafts });
        writing.add(label, perSecond(answer.steps, answer.decodeMs));
        total.add(label, answer.decodeMs);
        changes.add(label, expected.filter(text => answer.text.includes(text)).length);
      }
    }
    return [
      writing.figure('edit', `rewrite ${LINES} lines with ${CHANGES} changes`, 'tokens/s'),
      total.figure('edit', 'time to write them', 'ms'),
      ...(plan.quick ? [] : [changes.figure('edit', `changes made, of ${CHANGES}`, 'count')]),
    ];
  });
}

/** A stretch with three functions, and the head of an answer that gives it back with all three renamed. */
function renaming(file: string): Task {
  const lines = readCorpus([file]).text.split('\n');
  for (let from = lines.length >> 2; from + LINES <= lines.length; from++) {
    if (!/^\s*def /.test(lines[from]!)) continue;
    const code = lines.slice(from, from + LINES).join('\n');
    const found = [...code.matchAll(/def (_?[a-z]\w*)/g)].map(([, name]) => name!);
    const names = [...new Set(found)].slice(0, CHANGES);
    if (names.length < CHANGES) continue;
    const renamed = names.map(name => `\`${name}\` is \`renamed_${name}\``).join(', ');
    return {
      prompt: `# Part of ${file}\n\n\`\`\`python\n${code}\n\`\`\`\n\nThe same code with new names for three functions (${renamed}), everything else unchanged:\n\n\`\`\`python\n`,
      expected: names.map(name => `def renamed_${name}`),
    };
  }
  throw new Error(`${file} has no ${LINES} lines with ${CHANGES} functions.`);
}
