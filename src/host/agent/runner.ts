/** What a chat needs to let the agent carry out a message. The extension gives VS Code's ports, tests a script. */
import type { AgentOutcome } from '../../agent/agent.ts';
import type {
  AgentEvent,
  AgentMode,
  ApprovalPort,
  QuestionPort,
  StopReason,
  TodoItem,
} from '../../agent/ports.ts';
import type { Ask } from '../../agent/transcript.ts';
import type { Backend } from '../../backends/backend.ts';
import type { ChatMessage, ExpertLevel, FinishReason, ModelInfo } from '../../protocol/daemon.ts';

/** The chat that a task belongs to. */
export interface TaskChat {
  isShown(): boolean;
  show(): Promise<void>;
}

export interface AgentTask {
  ask: Ask;
  /** The same, or what was asked at first where `ask` is to go on with it. */
  first: Ask;
  /** The steps that the model had written down in what `ask` is to go on with. */
  todo: TodoItem[];
  /**
   * Its answers in the midst of which the editor ended, the newest first. `decided`: files about which the user has decided since.
   * `undone` is told what was taken back when that was tried.
   */
  torn: { turnId: string; decided: string[]; undone(paths: string[]): void }[];
  chat: TaskChat;
  /** The checkpoint of its changes; the id of the answer. */
  turnId: string;
  mode: Exclude<AgentMode, 'ask'>;
  backend: Backend;
  model: ModelInfo;
  level: ExpertLevel;
  /** What the agent and the model have said to each other so far, byte for byte. */
  history: ChatMessage[];
  /** What the user did to the agent's work since, for the model; '' for nothing. */
  news: string;
  approval: ApprovalPort;
  questions: QuestionPort;
  emit(event: AgentEvent): void;
  signal: AbortSignal;
}
export interface AgentRunner {
  /** Of the next message. */
  mode(): AgentMode;
  /** What the user and the project want an answer in ask mode to heed; '' for nothing. */
  rules(): Promise<string>;
  run(task: AgentTask): Promise<AgentOutcome>;
}

const FINISH: Record<StopReason, FinishReason | 'error'> = {
  done: 'stop',
  answered: 'stop',
  // Going on would be the same again: the user says what else to do.
  unfinished: 'stop',
  stopped: 'cancelled',
  limit: 'length',
  repetition: 'repetition',
  empty: 'error',
  error: 'error',
};

/** How an answer of the agent ended, in the words of all answers. */
export function endOf(outcome: AgentOutcome) {
  const finish = FINISH[outcome.reason];
  const { promptTokens, reusedTokens, outputTokens } = outcome;
  const reasons: Partial<Record<StopReason, string>> = {
    empty: 'The model answered nothing. Say it in other words, or try a larger model.',
    error: outcome.text || 'The agent could not go on.',
  };
  const message = reasons[outcome.reason];
  return {
    finish,
    // How long it took is not known apart from the tools.
    usage: { promptTokens, reusedTokens, outputTokens, queueMs: 0, prefillMs: 0, decodeMs: 0 },
    error: message === undefined ? null : { code: outcome.errorCode ?? 'internal', message },
  };
}
