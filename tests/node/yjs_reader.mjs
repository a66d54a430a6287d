// Yjs beside our own text: reads requests from standard input, one JSON value a line, and answers each with one line.
//
//   {"op": "texts", "docs": [[UPDATE, ...], ...]}   -> {"texts": [TEXT or null, ...]}   null: Yjs refused one of them
//   {"op": "write", "author": NAME, "client": ID, "updates": [UPDATE, ...], "edits": [[AT, DELETED, TEXT], ...]}
//                                                   -> {"update": UPDATE or null, "text": TEXT}   one transaction
//   {"op": "forget"}                                -> {}                                all authors begin anew
//
// Updates are base64 of version 1 bytes; places and lengths count UTF-16 code units. It ends with its input.
import { createInterface } from 'node:readline';
import * as Y from 'yjs';

const ROOT = 'text';
const authors = new Map();

const bytes = (text) => Buffer.from(text, 'base64');

const read = (updates) => {
  const doc = new Y.Doc({ gc: true });
  try {
    const text = doc.getText(ROOT);
    updates.forEach((update) => Y.applyUpdate(doc, bytes(update)));
    // What waits for something that never comes is not read, and no text says so.
    return doc.store.pendingStructs || doc.store.pendingDs ? null : text.toString();
  } catch {
    return null;
  } finally {
    doc.destroy();
  }
};

const author = (name, client) => {
  if (!authors.has(name)) {
    const doc = new Y.Doc();
    doc.clientID = client;
    authors.set(name, doc);
  }
  return authors.get(name);
};

const write = ({ author: name, client, updates, edits }) => {
  const doc = author(name, client);
  const text = doc.getText(ROOT);
  updates.forEach((update) => Y.applyUpdate(doc, bytes(update)));
  let made = null;
  const keep = (update) => {
    made = Buffer.from(update).toString('base64');
  };
  doc.on('update', keep);
  doc.transact(() =>
    edits.forEach(([at, deleted, inserted]) => {
      if (deleted) text.delete(at, deleted);
      if (inserted) text.insert(at, inserted);
    }),
  );
  doc.off('update', keep);
  return { update: made, text: text.toString() };
};

const answers = {
  texts: ({ docs }) => ({ texts: docs.map(read) }),
  write,
  forget: () => {
    authors.clear();
    return {};
  },
};

console.warn = () => {}; // Yjs remarks on client ids that it did not choose
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(answers[request.op](request))}\n`);
}
