// Copies the few files the pages use out of node_modules, with their licences. A test keeps the copies equal.
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "..", "node_modules");
const target = join(here, "hufu_console", "static", "vendor");
const files = {
  "bootstrap/dist/css/bootstrap.min.css": "bootstrap.min.css",
  "bootstrap/LICENSE": "bootstrap.LICENSE",
  "htmx.org/dist/htmx.min.js": "htmx.min.js",
  "htmx.org/LICENSE": "htmx.LICENSE",
};

mkdirSync(target, { recursive: true });
for (const [source, name] of Object.entries(files)) copyFileSync(join(modules, source), join(target, name));
