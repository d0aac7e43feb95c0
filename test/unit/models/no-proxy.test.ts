/** Which servers `no_proxy` takes from the proxy. */
import assert from 'node:assert/strict';
import { isExempt } from '../../../src/models/no-proxy.ts';

describe('models: no_proxy', () => {
  const cases: [noProxy: string, url: string, isExempt: boolean][] = [
    ['', 'https://hub.test/f', false],
    ['*', 'https://hub.test/f', true],
    [' * ', 'https://hub.test/f', true],
    ['a,*', 'https://hub.test/f', true],
    ['hub.test', 'https://hub.test/f', true],
    ['Hub.Test', 'https://cdn.hub.test/f', true],
    ['.hub.test', 'https://hub.test/f', true],
    ['*.hub.test b', 'https://cdn.hub.test/f', true],
    ['hub.test', 'https://github.test/f', false],
    ['hub.test:443', 'https://hub.test/f', true],
    ['hub.test:443', 'http://hub.test/f', false],
    ['hub.test:8080', 'http://hub.test:8080/f', true],
    ['10.0.0.0/8', 'http://10.1.2.3/f', true],
    ['10.0.0.0/8', 'http://11.1.2.3/f', false],
    ['10.0.0.0/8', 'http://10.test/f', false],
    ['10.0.0.0/99, x/8', 'http://10.1.2.3/f', false],
    ['3', 'http://10.1.2.3/f', false],
    ['10.1.2.3:80', 'http://10.1.2.3/f', true],
    ['fd00::/8', 'http://[fd00::1]/f', true],
    ['2001:db8::1', 'http://[2001:db8::1]/f', true],
    ['[2001:db8::1]:8080', 'http://[2001:db8::1]:8080/f', true],
    ['[2001:db8::1]:8080', 'http://[2001:db8::1]/f', false],
    ['', 'http://localhost:8000/f', true],
    ['', 'http://127.0.0.2/f', true],
    ['', 'http://[::1]:8000/f', true],
  ];
  for (const [noProxy, url, expected] of cases)
    it(`"${noProxy}" and ${url}`, () => assert.equal(isExempt(new URL(url), noProxy), expected));
});
