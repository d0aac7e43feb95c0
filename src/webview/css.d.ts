/** The bundler collects them into dist/webview.css. */
declare module '*.css';
