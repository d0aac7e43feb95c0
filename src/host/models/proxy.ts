/** The proxy that VS Code is set to use (`http.proxy`), for a process that downloads. */

/** Settings of the area `http`. */
interface HttpSettings {
  get<T>(name: string): T | undefined;
}

/**
 * Variables for the environment of the process; none where the setting is empty, since what the environment has holds for it
 * anyway. Both cases of each name: Windows keeps one of them, and other systems read the small one first.
 */
export function proxyVariables(http: HttpSettings): Record<string, string> {
  const proxy = http.get<string>('proxy');
  if (!proxy || http.get('proxySupport') === 'off') return {};
  const noProxy = http.get<string[]>('noProxy')?.join() ?? '';
  const variables = { https_proxy: proxy, http_proxy: proxy, ...(noProxy && { no_proxy: noProxy }) };
  return Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => [
      [name, value],
      [name.toUpperCase(), value],
    ]),
  );
}
