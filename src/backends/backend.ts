/** Who answers a prompt. `local` is the daemon; tests script one. The host and the agent know only this. */
import type {
  CompleteParams,
  CompleteResult,
  CountParams,
  CountResult,
  GenerateEvent,
  GenerateParams,
  GenerateResult,
} from '../protocol/daemon.ts';

export interface RequestOptions {
  signal?: AbortSignal;
  onEvent?(event: GenerateEvent): void;
}

export interface Backend {
  generate(params: Omit<GenerateParams, 'requestId'>, options?: RequestOptions): Promise<GenerateResult>;
  complete(params: Omit<CompleteParams, 'requestId'>, options?: RequestOptions): Promise<CompleteResult>;
  count(params: CountParams, options?: Pick<RequestOptions, 'signal'>): Promise<CountResult>;
}
