/** Headless Chromium through playwright-core, with the browser that the machine has (nothing is downloaded). */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { findProgram } from '../steps.ts';
import { aptInstall } from './debian.ts';

const MAC = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/** Path of a Chromium or Chrome; installed with apt-get when there is none and that is possible. */
export async function installBrowser(): Promise<string> {
  const wanted = process.env.CHROMIUM_PATH;
  if (wanted && existsSync(wanted)) return wanted;
  const find = () =>
    findProgram('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome');
  const found = (await find()) ?? (existsSync(MAC) ? MAC : undefined);
  if (found) return found;
  await aptInstall('chromium', 'fonts-dejavu-core');
  return (await find()) ?? 'chromium';
}

export function launchBrowser(executablePath: string): Promise<Browser> {
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'];
  args.push('--disable-background-networking', '--disable-component-update', '--disable-sync');
  return chromium.launch({ executablePath, headless: true, args });
}
