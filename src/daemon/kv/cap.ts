/** How much may be saved on disk: MOEBIUS_KV_MEGABYTES, which the extension sets from `moebius.engine.savedMegabytes`. */

/** Some 75,000 tokens of the 1.5B model, a dozen long conversations: less than the model itself takes. */
const DEFAULT_MEGABYTES = 2048;

/** Bytes; 0: nothing is saved. What is no number is taken for the default. */
export function kvCapBytes({ MOEBIUS_KV_MEGABYTES: setting }: NodeJS.ProcessEnv): number {
  const megabytes = setting ? Number(setting) : DEFAULT_MEGABYTES;
  return (megabytes >= 0 ? megabytes : DEFAULT_MEGABYTES) * 1024 ** 2;
}
