import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';

// The page may load and contact nothing but its own origin.
const policy: Plugin = {
  name: 'content-security-policy',
  apply: 'build',
  transformIndexHtml: () => [
    {
      tag: 'meta',
      injectTo: 'head-prepend',
      attrs: {
        'http-equiv': 'Content-Security-Policy',
        content:
          "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'",
      },
    },
  ],
};

// dist/.gitkeep stays, so that the Go binary can embed the folder of a fresh checkout.
const keep: Plugin = {
  name: 'keep-the-folder',
  apply: 'build',
  generateBundle() {
    this.emitFile({ type: 'asset', fileName: '.gitkeep', source: '' });
  },
};

// Every web view that runs the page reads WOFF2; the other formats would only be carried along.
const fonts: Plugin = {
  name: 'formula-fonts',
  enforce: 'pre',
  transform(code, id) {
    if (!/katex[\w.-]*\.css$/.test(id.split('?')[0]!)) return null;
    return code.replace(/,\s*url\([^)]*\)\s*format\(["'](?:woff|truetype)["']\)/g, '');
  },
};

export default defineConfig({
  base: './',
  plugins: [svelte(), policy, keep, fonts],
  worker: { format: 'es' },
  build: {
    target: ['safari16.4', 'chrome111'],
    outDir: 'dist',
    emptyOutDir: true,
    reportCompressedSize: false,
    // The page's policy takes fonts from its own origin only, not from data addresses.
    assetsInlineLimit: (file) => (file.endsWith('.woff2') ? false : undefined),
  },
  server: { proxy: { '/api': process.env['QWILL_DEV_API'] ?? 'http://127.0.0.1:8117' } },
});
