/** Downloads through the proxy that the environment names. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { download } from '../../../src/models/download.ts';
import { downloadJson } from '../../../src/models/download-json.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { FaultServer } from './fault-server.ts';

const CONTENT = Buffer.from(JSON.stringify({ text: 'x'.repeat(100_000) }));
/** Known to the proxy alone. */
const HUB = 'http://hub.test';
const VARIABLES = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

describe('models: download through a proxy', () => {
  let server: FaultServer;
  let proxy: Server;
  let tunnels: string[];
  /** What came through one first. */
  let tunnelled: Buffer | undefined;
  let requests: string[];
  let credentials: (string | undefined)[];
  /** Of an answer that refuses. */
  let refusal: string | null;
  let kept: NodeJS.ProcessEnv;
  let address: string;

  beforeEach(async () => {
    server = await FaultServer.start(CONTENT);
    [tunnels, requests, credentials, refusal] = [[], [], [], null];
    proxy = createServer(({ url, headers }, response) => {
      requests.push(url!);
      credentials.push(headers['proxy-authorization']);
      if (refusal) return void response.writeHead(Number(refusal.slice(0, 3))).end();
      const { pathname } = new URL(url!);
      request(`${server.url}${pathname}`, { headers }, answer => {
        response.writeHead(answer.statusCode!, answer.headers);
        pipeline(answer, response).catch(() => response.destroy());
      })
        .on('error', () => response.destroy())
        .end();
    });
    proxy.on('connect', ({ url }, client: Socket) => {
      tunnels.push(url!);
      if (refusal) return void client.end(`HTTP/1.1 ${refusal}\r\n\r\n`);
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.once('data', bytes => {
        tunnelled = bytes;
        client.destroy();
      });
    });
    await once(proxy.listen(0, '127.0.0.1'), 'listening');
    address = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    kept = Object.fromEntries(VARIABLES.map(name => [name, process.env[name]]));
    for (const name of VARIABLES) delete process.env[name];
  });
  afterEach(async () => {
    for (const [name, value] of Object.entries(kept)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    proxy.close();
    await server.stop();
  });

  const get = async (url = `${HUB}/f`, path = join(tempFolder(), 'f')) => {
    await download({ url, path, sizeBytes: CONTENT.length, retryDelayMs: () => 1 });
    return readFile(path);
  };

  for (const [name, scheme] of [
    ['http_proxy', 'http://'],
    ['HTTP_PROXY', 'http://user:secret@'],
    ['http_proxy', ''],
  ] as const) {
    it(`goes through ${name}=${scheme}host:port, also on with what broke off`, async () => {
      process.env[name] = scheme + address;
      server.faults = ['reset'];
      assert.ok((await get()).equals(CONTENT));
      assert.deepEqual(new Set(requests), new Set([`${HUB}/f`]));
      assert.equal(server.bytesSent, CONTENT.length, 'no byte twice');
      assert.deepEqual(await downloadJson(`${HUB}/list`), JSON.parse(CONTENT.toString()));
      assert.equal(requests.length, 3);
      assert.deepEqual(tunnels, [], 'many proxies refuse a tunnel to port 80');
    });
  }

  const HTTPS = 'https://hub.test/f';

  it('goes through https_proxy by a tunnel, and with http_proxy alone directly', async () => {
    process.env.https_proxy = `http://${address}`;
    refusal = '403 Forbidden';
    await assert.rejects(get(HTTPS), { message: /refused, with status 403/ });
    refusal = null;
    await assert.rejects(get(HTTPS), { message: /socket disconnected/ });
    assert.equal(tunnelled?.[0], 22, 'a TLS handshake');
    assert.deepEqual(tunnels, ['hub.test:443', 'hub.test:443']);
    process.env.http_proxy = process.env.https_proxy;
    process.env.https_proxy = '';
    await assert.rejects(get(HTTPS), { code: 'download-failed', message: /hub\.test/ });
    assert.equal(tunnels.length, 2);
    delete process.env.http_proxy;
    process.env.https_proxy = `http://${address}`;
    await assert.rejects(get(), { code: 'download-failed', message: /hub\.test/ });
    assert.deepEqual(requests, []);
  });

  for (const [user, expected] of [
    ['token', 'token:'],
    ['user:100%secret', 'user:100%secret'],
    ['us%40er:se%2Fcret', 'us@er:se/cret'],
  ] as const) {
    it(`says ${expected} to a proxy of ${user}@`, async () => {
      process.env.http_proxy = `http://${user}@${address}`;
      assert.ok((await get()).equals(CONTENT));
      assert.deepEqual(credentials, [`Basic ${Buffer.from(expected).toString('base64')}`]);
    });
  }

  for (const named of ['user:se#cret@', 'user:12/secret@', 'user:se/cret@', 'us er:secret@h h']) {
    it(`shows nothing of http://${named}`, async () => {
      process.env.http_proxy = `http://${named}${address}`;
      await assert.rejects(get(), ({ message }: Error) => {
        assert.match(message, /names a proxy that is no address/);
        assert.doesNotMatch(message, /cret|12|us er/);
        return true;
      });
    });
  }

  it('goes around it to this machine, and to servers of no_proxy', async () => {
    process.env.http_proxy = `http://${address}`;
    assert.ok((await get(`${server.url}/f`)).equals(CONTENT));
    process.env.NO_PROXY = 'example.org,.test';
    await assert.rejects(get(), { code: 'download-failed', message: /hub\.test/ });
    assert.deepEqual(tunnels, []);
  });

  it('says what the proxy said, and no password', async () => {
    process.env.https_proxy = `http://user:secret@${address}`;
    process.env.http_proxy = process.env.https_proxy;
    const expectReason = (message: RegExp, url = HTTPS) =>
      assert.rejects(get(url), error => {
        const { code, message: text } = error as Error & { code: string };
        assert.equal(code, 'download-failed');
        assert.match(text, message);
        assert.doesNotMatch(text, /secret/);
        return true;
      });
    refusal = '407 Proxy Authentication Required';
    await expectReason(new RegExp(`the proxy ${address} wants a user name and a password`));
    refusal = '403 Forbidden';
    await expectReason(new RegExp(`the proxy ${address} refused, with status 403\\.$`));
    refusal = '407 Proxy Authentication Required';
    await expectReason(new RegExp(`the proxy ${address} wants a user name and a password`), HUB);
    assert.deepEqual([tunnels.length, requests.length], [2, 1], 'a refusal is final');
    proxy.close();
    proxy.closeAllConnections();
    await once(proxy, 'close');
    await expectReason(new RegExp(`ECONNREFUSED.*the environment names the proxy ${address}`));
  });
});
