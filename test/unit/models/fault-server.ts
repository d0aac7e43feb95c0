/** An HTTP server for one file, with every fault that a download meets in the field. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Fault =
  | 'none'
  /** Sends half of what was asked for, then cuts the connection. */
  | 'reset'
  /** Sends half, then nothing more. */
  | 'stall'
  /** Accepts the request and never answers. */
  | 'silent'
  /** Answers a Range request with all of the file. */
  | 'no-ranges'
  | 'range-not-satisfiable'
  /** Sends bytes past the end. */
  | 'too-long'
  | 'other-size'
  | 'wrong-part'
  | 'not-found'
  | 'overloaded'
  | 'redirect'
  /** Ends in the middle as if the file ended there. */
  | 'chunked-short';

export class FaultServer {
  /** One fault for each request in turn; `none` when they are used up. */
  faults: Fault[] = [];
  content: Uint8Array;
  etag: string | undefined = '"v1"';
  readonly requests: { path: string; range: string | undefined; ifRange: string | undefined }[] = [];
  bytesSent = 0;
  readonly #server: Server;

  private constructor(content: Uint8Array) {
    this.content = content;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(content: Uint8Array): Promise<FaultServer> {
    const server = new FaultServer(content);
    await new Promise<void>(resolve => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const range = request.headers.range;
    const ifRange = request.headers['if-range'] as string | undefined;
    this.requests.push({ path: request.url ?? '', range, ifRange });
    const fault = this.faults.shift() ?? 'none';
    if (fault === 'silent') return;
    if (fault === 'not-found') return void response.writeHead(404).end('no such file');
    if (fault === 'overloaded') return void response.writeHead(503).end('later');
    if (fault === 'redirect') return void response.writeHead(302, { location: `${this.url}/moved` }).end();
    if (fault === 'range-not-satisfiable') return void response.writeHead(416).end();

    const etag = this.etag ? { etag: this.etag } : {};
    const isSame = ifRange === undefined || ifRange === this.etag;
    const asked =
      fault !== 'no-ranges' && isSame ? Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? -1) : -1;
    if (asked >= this.content.length)
      return void response.writeHead(416, { 'content-range': `bytes */${this.content.length}` }).end();
    const start = Math.max(asked, 0);
    const total = this.content.length + (fault === 'other-size' ? 1 : 0);
    const body = this.content.subarray(start);
    if (fault === 'chunked-short') {
      response.writeHead(200, etag);
      this.#send(response, body.subarray(0, body.length / 2));
      return void response.end();
    }
    if (fault === 'too-long') {
      response.writeHead(200, etag);
      this.#send(response, body);
      return void response.end(Buffer.alloc(1000));
    }
    const length = { 'content-length': body.length + (fault === 'other-size' ? 1 : 0) };
    if (asked < 0) response.writeHead(200, { ...etag, ...length });
    else {
      const from = fault === 'wrong-part' ? start + 1 : start;
      response.writeHead(206, { ...etag, ...length, 'content-range': `bytes ${from}-${total - 1}/${total}` });
    }
    if (fault !== 'reset' && fault !== 'stall') {
      this.#send(response, body);
      return void response.end();
    }
    this.#send(response, body.subarray(0, Math.ceil(body.length / 2)));
    // The client must have got the first half before the cut, on a busy machine too: what it has not read is lost.
    if (fault === 'reset') setTimeout(() => response.destroy(), 400);
  }

  #send(response: ServerResponse, bytes: Uint8Array): void {
    this.bytesSent += bytes.length;
    response.write(bytes);
  }
}
