import { defineConfig } from "vite"

// The page is static files, which @millrace/console serves from dist/page below any prefix.
export default defineConfig({
  root: "web",
  // Addresses relative to the page: it does not know where it is mounted.
  base: "./",
  // The classic form is shorter: an element's content needs no name.
  oxc: {
    // The same page whatever NODE_ENV says: what tests open is what users get.
    jsx: { runtime: "classic", pragma: "__h", pragmaFrag: "__Fragment", development: false },
    jsxInject: `import { Fragment as __Fragment, h as __h } from "preact"`,
  },
  build: {
    outDir: "../dist/page",
    emptyOutDir: true,
    target: ["chrome111", "firefox114", "safari16.4"],
    // Both would need inline scripts, or the addresses of assets; the page asks for what it needs.
    modulePreload: false,
    assetsInlineLimit: 0,
    // One style sheet: with the script and the page it is all that the first paint waits for.
    cssCodeSplit: false,
    reportCompressedSize: false,
    rolldownOptions: {
      checks: { pluginTimings: false },
      preserveEntrySignatures: "allow-extension",
      output: {
        codeSplitting: {
          // One file for all that the first page needs, which the other imports from: that has
          // all else. In many small files the same comes to a fifth more, and each has to wait.
          groups: [
            {
              name: "page",
              test: /web\/(main\.tsx|index\.html)$/,
              includeDependenciesRecursively: true,
              priority: 2,
            },
            { name: "others", test: /console\/web\//, priority: 1 },
          ],
        },
      },
    },
  },
})
