/**
 * Adds to the environment of a process that will hold a model: asks glibc (2.35 or newer) to back large allocations with
 * huge pages, beside what the user asks of it. A decode step reads every weight once, and with 4 KiB pages part of that
 * time goes into looking up addresses. Other C libraries and systems ignore it.
 */
export function withHugePages(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const asked = env.GLIBC_TUNABLES ?? process.env.GLIBC_TUNABLES;
  return { ...env, GLIBC_TUNABLES: [asked, 'glibc.malloc.hugetlb=1'].filter(Boolean).join(':') };
}
