/** What `moebius agent` prints: steps for people while it works, a report for programs at the end. */
import type { AgentOutcome, AgentProfile } from '../agent/agent.ts';
import type { AgentEvent } from '../agent/ports.ts';
import { toMoebiusError } from '../base/errors.ts';
import { print, type Terminal, writeLine } from './terminal.ts';

export interface AgentReport {
  reason: AgentOutcome['reason'];
  text: string;
  profile: AgentProfile;
  model: string;
  seconds: number;
  turns: number;
  tokens: { prompt: number; reused: number; output: number };
  filesChanged: AgentOutcome['changed'];
  commands: AgentOutcome['commands'];
  /** null: there was no check. */
  checkPassed: boolean | null;
}

export function reportOf(
  outcome: AgentOutcome,
  about: Pick<AgentReport, 'profile' | 'model' | 'seconds' | 'checkPassed'>,
): AgentReport {
  const { reason, text, turns, promptTokens, reusedTokens, outputTokens, changed, commands } = outcome;
  const tokens = { prompt: promptTokens, reused: reusedTokens, output: outputTokens };
  return { reason, text, ...about, turns, tokens, filesChanged: changed, commands };
}

/** What came of it, for programs, and in words for people. */
export type Report = (value: object, words?: string) => Promise<void>;

/** With `isJson` stdout has one object, whatever happens: what `work` reports, or why it threw before it did. */
export async function reporting(
  { stdout }: Terminal,
  isJson: boolean,
  work: (report: Report) => Promise<void>,
): Promise<void> {
  let isReported = false;
  const report: Report = async (value, words) => {
    isReported = true;
    const text = isJson ? JSON.stringify(value, null, 2) : words;
    if (text !== undefined) await writeLine(stdout, text);
  };
  try {
    await work(report);
  } catch (error) {
    const { code, message } = toMoebiusError(error);
    if (!isReported) await report({ error: { code, message } });
    throw error;
  }
}

/** Steps go to stderr, what the model says to stdout unless a report is wanted there. */
export function stepPrinter({ stdout, stderr }: Terminal, isJson: boolean): (event: AgentEvent) => void {
  return event => {
    switch (event.type) {
      case 'text':
        print(isJson ? stderr : stdout, event.text);
        return;
      case 'call':
        print(stderr, `\n* ${event.title}\n`);
        return;
      case 'result':
        print(stderr, `  ${event.ok ? '' : 'failed: '}${event.summary}\n`);
        return;
      case 'todo':
        for (const { text, state } of event.items)
          print(stderr, `  [${{ open: ' ', doing: '>', done: 'x' }[state]}] ${text}\n`);
        return;
      case 'notice':
        print(stderr, `  (${event.text})\n`);
        return;
      case 'end':
        if (!isJson) print(stdout, `\n${event.text}\n`);
    }
  };
}
