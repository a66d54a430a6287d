// Loads updates into one Yjs document, as a web application does that starts cold, and says how long that took.
//
//   node load_yjs.mjs MODULES FILE ROUNDS
//
// MODULES is the folder whose node_modules has yjs; FILE has updates, each after its length in four bytes, big-endian.
// Prints one JSON value: {"ms": [...], "text": "..."}: a figure for each round, and the text that came out.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const [modules, file, rounds] = process.argv.slice(2);
const Y = createRequire(join(resolve(modules), 'package.json'))('yjs');
const data = readFileSync(file);
const updates = [];
for (let at = 0; at < data.length; ) {
  const size = data.readUInt32BE(at);
  updates.push(data.subarray(at + 4, at + 4 + size));
  at += 4 + size;
}

const ms = [];
let text = '';
for (let round = 0; round < Number(rounds); round += 1) {
  const doc = new Y.Doc();
  const began = performance.now();
  for (const update of updates) Y.applyUpdate(doc, update);
  text = doc.getText('text').toString();
  ms.push(performance.now() - began);
}
process.stdout.write(JSON.stringify({ ms, text }));
