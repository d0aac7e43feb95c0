/** The sample projects with a bug in them: `the tests fail` is all that the agent is told. */
import type { Files } from '../../support/memory-ports.ts';
import { SAMPLE_PROJECTS, type SampleProject, sampleFiles } from '../../support/sample-projects.ts';
import { runFiles } from '../sandbox.ts';
import type { AgentCase } from './case.ts';

export function sampleCases(): AgentCase[] {
  return SAMPLE_PROJECTS.flatMap(project =>
    project.bugs.map((bug): AgentCase => {
      const files = sampleFiles(project, bug);
      return {
        id: `${project.name}/${bug.name}`,
        files,
        world: { run: (_command, now) => runTests(project, now) },
        first: {
          task: 'The tests fail. Fix the code.',
          context: { openFile: null, attachments: [] },
          checkCommand: project.checkCommand,
        },
        // With the tests as they were: an agent that changes them has fixed nothing.
        judge: async now => {
          const tests = [...sampleFiles(project, null)].filter(([path]) => /test/.test(path));
          const { output, exitCode } = await runTests(project, new Map([...now, ...tests]));
          return exitCode === 0 ? null : output;
        },
      };
    }),
  );
}

export async function runTests(
  { argv, language }: SampleProject,
  files: Files,
): Promise<{ output: string; exitCode: number }> {
  const { verdict, output } = await runFiles(files, argv, language);
  return { output, exitCode: verdict === 'pass' ? 0 : 1 };
}
