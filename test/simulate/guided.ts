/** The guided profile with a real model: the bugs of the sample projects, in real folders, with the tests as the judge. */
import { runAgent } from '../../src/agent/run.ts';
import type { Backend } from '../../src/backends/backend.ts';
import { openNodePorts } from '../../src/workspace/node-ports.ts';
import { SAMPLE_PROJECTS, type SampleProject, sampleFiles } from '../support/sample-projects.ts';
import { inFolder, policyOf, writeAll } from './world.ts';

const BUDGET = { turns: 10, outputTokens: 8000, timeMs: 15 * 60_000 };
const WINDOW_TOKENS = 8192;
const CHECK_TIMEOUT_MS = 120_000;

export interface GuidedTask {
  id: string;
  project: SampleProject;
  files: Record<string, string>;
}

export const GUIDED_TASKS: readonly GuidedTask[] = SAMPLE_PROJECTS.flatMap(project =>
  project.bugs.map(bug => ({
    id: `${project.name}/${bug.name}`,
    project,
    files: Object.fromEntries(sampleFiles(project, bug)),
  })),
);

/** Whether the tests pass afterwards, as they were before. The same seed gives the same answers. */
export const solve = ({ project, files }: GuidedTask, backend: Backend, seed: number): Promise<boolean> =>
  inFolder(files, async (folder, checkpoints) => {
    const nodePorts = await openNodePorts([folder], checkpoints);
    const checkCommand = project.argv.map(word => `'${word}'`).join(' ');
    try {
      await runAgent('guided', {
        task: 'The tests fail. Fix the code.',
        mode: 'agent',
        backend,
        ports: {
          ...nodePorts,
          approval: { ask: async () => ({ kind: 'once' }) },
          questions: { ask: async () => null },
        },
        ...policyOf('agent'),
        budget: BUDGET,
        windowTokens: WINDOW_TOKENS,
        turnId: `seed-${seed}`,
        sequence: 'simulate',
        history: [],
        rules: '',
        context: { openFile: null, attachments: [] },
        checkCommand,
        emit: () => {},
        signal: new AbortController().signal,
      });
      const tests = Object.entries(files).filter(([path]) => /test/.test(path));
      await writeAll(folder, Object.fromEntries(tests));
      const request = { command: checkCommand, cwd: '.', timeoutMs: CHECK_TIMEOUT_MS };
      return (await nodePorts.terminal.run(request)).exitCode === 0;
    } finally {
      nodePorts.dispose();
    }
  });
