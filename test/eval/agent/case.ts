/** One task for the agent and how what it leaves behind is judged. */
import type { AgentContext } from '../../../src/agent/agent.ts';
import type { Files, World } from '../../support/memory-ports.ts';

export interface Try {
  task: string;
  context: AgentContext;
  checkCommand: string | null;
}
export interface AgentCase {
  id: string;
  files: Files;
  world: World;
  first: Try;
  /** null: passed. Otherwise why it failed, in words for the report. `answer`: what the agent said last. */
  judge(files: Files, answer: string): Promise<string | null>;
  /** After a failure, once: what is asked then. Absent: there is one try. */
  second?(files: Files): Promise<Try>;
}
