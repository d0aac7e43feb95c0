/** Runs a task with the profile that suits the model. */
import type { ModelInfo } from '../protocol/daemon.ts';
import type { AgentOptions, AgentOutcome, AgentProfile } from './agent.ts';
import { runGuided } from './guided/run.ts';
import { runNative } from './native.ts';

/**
 * Smaller models are taught the form of a tool call and use it badly (Qwen2.5-Coder-1.5B edits files that it has not read), so the
 * template alone does not decide. Where between 2 and 7 billion the line is has not been measured; the profile can be chosen.
 */
const NATIVE_PARAMETERS = 7e9;

export function profileFor({
  capabilities,
  parameters,
}: Pick<ModelInfo, 'capabilities' | 'parameters'>): AgentProfile {
  return capabilities.toolCalls && parameters >= NATIVE_PARAMETERS ? 'native' : 'guided';
}

/** Does not throw: the outcome says why it ended. */
export function runAgent(profile: AgentProfile, options: AgentOptions): Promise<AgentOutcome> {
  return profile === 'native' ? runNative(options) : runGuided(options);
}
