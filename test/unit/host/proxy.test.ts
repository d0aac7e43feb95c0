import assert from 'node:assert/strict';
import { proxyVariables } from '../../../src/host/models/proxy.ts';

const variables = (settings: Record<string, unknown>) =>
  proxyVariables({ get: <T>(name: string) => settings[name] as T | undefined });

describe('host/models: the proxy of the editor', () => {
  it('is handed on in both spellings, with what goes around it', () => {
    const proxy = 'http://p:3128';
    assert.deepEqual(variables({ proxy, noProxy: ['a', 'b'], proxySupport: 'override' }), {
      ...{ https_proxy: proxy, HTTPS_PROXY: proxy, http_proxy: proxy, HTTP_PROXY: proxy },
      ...{ no_proxy: 'a,b', NO_PROXY: 'a,b' },
    });
    assert.equal('no_proxy' in variables({ proxy, noProxy: [] }), false);
  });

  it('is left to the environment where the editor has none, or is not to use it', () => {
    assert.deepEqual(variables({ proxy: '', noProxy: ['a'] }), {});
    assert.deepEqual(variables({ proxy: 'http://p:3128', proxySupport: 'off' }), {});
  });
});
