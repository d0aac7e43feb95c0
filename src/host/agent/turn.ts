/**
 * One answer of the agent while it is worked on: every event is stored, then shown. Text and output come in small pieces; they
 * are joined before they reach the disk, and what came before any other event is there before it.
 */
import type { AgentEvent } from '../../agent/ports.ts';
import type { Backend } from '../../backends/backend.ts';
import type { GenerateEvent } from '../../protocol/daemon.ts';
import type { HostMessage, Phase } from '../../protocol/webview.ts';
import { GenerationPhase } from '../chat/generation-phase.ts';
import { TextCoalescer } from '../chat/text-coalescer.ts';
import { OutputRecord } from './output-record.ts';
import { type AgentRunner, type AgentTask, endOf } from './runner.ts';
import { applyAgentEvent, emptyWork, type Work, type WorkChange } from './work.ts';

export interface TurnPorts {
  store(event: AgentEvent): void;
  post(message: HostMessage): void;
  setPhase(phase: Phase): void;
}

/** Streamed text reaches the disk this often; what a crash can cost. */
const STORE_DELAY_MS = 500;
const TEXT = 'text';

export class AgentTurn {
  readonly #answerId: string;
  readonly #ports: TurnPorts;
  readonly #work = emptyWork();
  readonly #stored: TextCoalescer;
  readonly #output = new OutputRecord((callId, text) => this.#stored.add(callId, text));

  constructor(answerId: string, ports: TurnPorts) {
    this.#answerId = answerId;
    this.#ports = ports;
    this.#stored = new TextCoalescer(STORE_DELAY_MS, (id, text) =>
      ports.store(id === TEXT ? { type: 'text', text } : { type: 'output', callId: id, text }),
    );
  }

  /** What is shown of it so far: more than is stored, which comes later, and of a long output leaves the middle out. */
  get work(): Readonly<Work> {
    return this.#work;
  }

  /** Lets the agent carry the task out; how it ended. `notice`: for the user, before it begins. */
  async run(agent: AgentRunner, task: Omit<AgentTask, 'emit'>, notice: string | null = null) {
    try {
      if (notice !== null) this.#emit({ type: 'notice', text: notice });
      const backend = this.#watched(task.backend);
      return endOf(await agent.run({ ...task, backend, emit: event => this.#emit(event) }));
    } finally {
      // What is not on the disk yet goes there, and what comes after this does not.
      this.#output.endAll();
      this.#stored.flush();
    }
  }

  #emit(event: AgentEvent): void {
    if (event.type === 'text') this.#stored.add(TEXT, event.text);
    else if (event.type === 'output') this.#output.add(event.callId, event.text);
    else {
      if (event.type === 'call') this.#output.begin(event.callId);
      if (event.type === 'result') this.#output.end(event.callId);
      this.#stored.flush();
      this.#ports.store(event);
    }
    this.#show(applyAgentEvent(this.#work, event, this.#answerId));
    const phase = this.#phaseAfter(event);
    if (phase) this.#ports.setPhase(phase);
  }

  /** The backend, with what it reports shown as the phase. */
  #watched(backend: Backend): Backend {
    return {
      complete: (params, options) => backend.complete(params, options),
      count: (params, options) => backend.count(params, options),
      generate: (params, options) => {
        const phases = new GenerationPhase();
        const onEvent = (event: GenerateEvent) => {
          const phase = phases.after(event);
          if (phase) this.#ports.setPhase(phase);
          options?.onEvent?.(event);
        };
        return backend.generate(params, { ...options, onEvent });
      },
    };
  }

  #show(change: WorkChange): void {
    const id = this.#answerId;
    if (change.kind === 'part') this.#ports.post({ type: 'part', id, part: { ...change.part } });
    if (change.kind === 'text') this.#ports.post({ type: 'text', id: change.part.id, text: change.text });
    if (change.kind === 'output')
      this.#ports.post({ type: 'output', id, partId: change.part.id, text: change.text });
    if (change.kind === 'facts') {
      const { todo, changed } = this.#work;
      this.#ports.post({ type: 'facts', id, facts: structuredClone({ todo, changed }) });
    }
  }

  #phaseAfter(event: AgentEvent): Phase | null {
    switch (event.type) {
      case 'call':
        return { kind: 'working', title: event.title };
      case 'approval':
      case 'question':
        return { kind: 'asking' };
      case 'decision':
        return { kind: 'working', title: this.#titleOf(event.callId) };
      case 'turn':
      case 'result':
        return { kind: 'starting' };
      default:
        return null;
    }
  }

  #titleOf(callId: string): string {
    const part = this.#work.parts.find(({ id }) => id === callId);
    return part?.kind === 'step' ? part.title : 'Working';
  }
}
