/** Bundle of the chat page. */
import '@vscode/codicons/dist/codicon.css';
import './webview/style/page.css';
import './webview/style/message.css';
import './webview/style/code.css';
import './webview/style/composer.css';
import './webview/style/work.css';
import { mountPage } from './webview/mount.tsx';
import type { HostLink } from './webview/page.ts';

declare function acquireVsCodeApi(): HostLink;

mountPage(acquireVsCodeApi(), document.getElementById('app')!);
