/** A task in a small project, what the model writes, and what must hold afterwards. One group a file in `scenarios/`. */
import type { AgentOptions, AgentOutcome, AgentProfile } from '../../src/agent/agent.ts';
import type {
  AgentEvent,
  ApprovalDecision,
  ApprovalRequest,
  Diagnostic,
  McpPort,
} from '../../src/agent/ports.ts';
import type { ChatMessage } from '../../src/protocol/daemon.ts';
import type { Filler, Model, ModelAnswer } from '../support/scripted-model.ts';

export interface Scenario {
  name: string;
  task: string;
  /** Text by path. */
  files: Record<string, string>;
  /** What else the folder needs: links, bytes that are no text. */
  prepare?(folder: string): Promise<void>;
  model: Model | ModelAnswer[];
  /** Default: native. */
  profile?: AgentProfile;
  /** What a led model writes into gaps; default: it fills none. */
  fill?: Filler;
  /** Default: everything is allowed. */
  approve?(request: ApprovalRequest): ApprovalDecision;
  options?: Partial<Pick<AgentOptions, 'mode' | 'budget' | 'windowTokens' | 'checkCommand' | 'context'>>;
  /** What the language servers report. */
  diagnostics?: Diagnostic[];
  /** What MCP servers offer and answer. */
  mcp?: McpPort;
  /** The user answers so; default: not at all. */
  reply?: string;
  /** The user stops the task when this is true. */
  stopAt?(event: AgentEvent): boolean;
  /** What `holds` checks, in words. */
  must: string;
  /** @throws AssertionError */
  holds(result: ScenarioResult): void | Promise<void>;
}

export interface ScenarioResult {
  outcome: AgentOutcome;
  folder: string;
  /** Text by path, when the task began. */
  before: Record<string, string>;
  /** Text by path, afterwards. */
  files: Record<string, string>;
  events: AgentEvent[];
  /** What the model read, call by call. */
  results: string[];
  /** What it was sent, turn by turn. */
  prompts: ChatMessage[][];
  asked: ApprovalRequest[];
  /** Commands that were started. */
  ran: string[];
}

export const deny = (): ApprovalDecision => ({ kind: 'deny', reason: null });
export const allow = (): ApprovalDecision => ({ kind: 'once' });
