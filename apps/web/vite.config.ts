import { defineConfig } from 'vite';

/**
 * Builds the dashboard into static files, which the API serves under a Content-Security-Policy that forbids inline scripts
 * and styles. `npx vite` in this folder serves the sources, with the API at DISTILLERY_URL behind them.
 */
export default defineConfig({
  root: import.meta.dirname,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: 'page',
    emptyOutDir: true,
    target: 'es2023',
    // Inlined files would be `data:` addresses, and the preload helper for older browsers is not needed.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: 'licenses.md' },
  },
  server: { proxy: { '/v1': process.env.DISTILLERY_URL ?? 'http://127.0.0.1:8080' } },
});
