// Bring the files of the npm packages that pages use to app/static/vendor: of the style sheet only the rules that can apply.
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { PurgeCSS } from "purgecss";

const folder = "app/static/vendor";
const scripts = ["htmx.org/dist/htmx.min.js", "htmx.org/dist/ext/hx-sse.min.js"];
const styles = "@tabler/core/dist/css/tabler.min.css";
// What names classes. The Makefile knows these places as well.
const content = ["app/templates/**/*.html", "app/views/**/*.py", "app/static/*.js"];

await mkdir(folder, { recursive: true });
for (const script of scripts) await copyFile(`node_modules/${script}`, `${folder}/${basename(script)}`);
const [used] = await new PurgeCSS().purge({ content, css: [`node_modules/${styles}`] });
await writeFile(`${folder}/${basename(styles)}`, used.css);
