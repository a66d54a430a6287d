// Validates FHIR R4 resources of any type, one a line, by @medplum/core.
//
//   node validate_resources.mjs FILE
//
// Prints what `check` of medplum.mjs prints. Exit code 0 where it could check, whatever it found.
import { check } from './medplum.mjs';

check(process.argv[2]);
