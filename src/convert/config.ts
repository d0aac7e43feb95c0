/** Settings of a published model by the names of Hugging Face's config.json, read with their types checked. */
import { MoebiusError } from '../base/errors.ts';

export class Config {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #file: string;

  constructor(values: Readonly<Record<string, unknown>>, file: string) {
    this.#values = values;
    this.#file = file;
  }

  has(key: string): boolean {
    return this.#values[key] !== undefined && this.#values[key] !== null;
  }

  /** Without a fallback a missing key is `model-invalid`; a value of another type always is. */
  number(key: string, fallback?: number): number {
    return this.#get(key, 'a number', value => typeof value === 'number' && Number.isFinite(value), fallback);
  }

  /** The same of a setting whose `null` says that there is none, which a missing key does not. */
  numberOrNull(key: string, fallback: number): number | null {
    return this.#values[key] === null ? null : this.number(key, fallback);
  }

  boolean(key: string, fallback?: boolean): boolean {
    return this.#get(key, 'true or false', value => typeof value === 'boolean', fallback);
  }

  string(key: string, fallback?: string): string {
    return this.#get(key, 'a text', value => typeof value === 'string', fallback);
  }

  strings(key: string, fallback?: string[]): string[] {
    const isTexts = (value: unknown) => Array.isArray(value) && value.every(one => typeof one === 'string');
    return this.#get(key, 'a list of texts', isTexts, fallback);
  }

  /** The object under `key`; an empty one where there is none. */
  section(key: string): Config {
    const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
    return new Config(this.#get(key, 'an object', isObject, {}), `${this.#file}: ${key}`);
  }

  #get<T>(key: string, expected: string, is: (value: unknown) => boolean, fallback: T | undefined): T {
    const value = this.#values[key];
    if (is(value)) return value as T;
    if ((value === undefined || value === null) && fallback !== undefined) return fallback;
    const found = value === undefined ? 'is missing' : `is ${JSON.stringify(value)} instead of ${expected}`;
    throw new MoebiusError('model-invalid', `${this.#file}: ${key} ${found}. Fetch the model again.`);
  }
}
