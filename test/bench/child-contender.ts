/** A contender in a child process, as the parent sees it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { withHugePages } from '../../src/base/huge-pages.ts';
import { readTokenizer } from '../support/tokenizer.ts';
import type { Contender, ContenderConfig, ContenderMethod, ContenderReply } from './contender.ts';

export interface ChildContender extends Contender {
  name: string;
  pid: number;
  /** In the child: importing the library, opening the model, making a context. */
  loadedMs: number;
}

/** Starts a child and waits until its model is loaded. `onSpawn` gets the pid before that. */
export async function startContender(
  name: string,
  config: ContenderConfig,
  onSpawn: (pid: number) => void = () => {},
): Promise<ChildContender> {
  const child = fork(join(__dirname, 'child.ts'), [JSON.stringify(config)], {
    execArgv: ['--import', 'tsx'],
    serialization: 'advanced',
    env: withHugePages(process.env), // as the extension starts its daemon; llama.cpp gets the same
  });
  onSpawn(child.pid!);
  const loaded = await nextReply(child);
  if (!('loadedMs' in loaded)) throw new Error(`${name} did not load.`);

  const tokenizer = config.kind === 'moebius' ? readTokenizer(config.folder) : null;
  const call = async (method: ContenderMethod, ...args: unknown[]): Promise<never> => {
    child.send({ method, args });
    const reply = await nextReply(child);
    return ('value' in reply ? reply.value : undefined) as never;
  };
  return {
    name,
    pid: child.pid!,
    loadedMs: loaded.loadedMs,
    settings: () => call('settings'),
    tokenize: tokenizer ? async text => tokenizer.encodePlain(text) : text => call('tokenize', text),
    write: (...args) => call('write', ...args),
    score: (tokens, level) => call('score', tokens, level),
    async close() {
      const exited = once(child, 'exit');
      await call('close');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
      await exited;
      clearTimeout(timer);
    },
  };
}

function nextReply(child: ChildProcess): Promise<ContenderReply> {
  return new Promise((resolve, reject) => {
    const onMessage = (reply: ContenderReply) => {
      child.off('exit', onExit);
      if ('error' in reply) reject(new Error(reply.error));
      else resolve(reply);
    };
    const onExit = (code: number | null, signal: string | null) => {
      child.off('message', onMessage);
      reject(new Error(`the child ended with ${signal ?? code}`));
    };
    child.once('message', onMessage);
    child.once('exit', onExit);
  });
}
