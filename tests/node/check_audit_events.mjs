// Validates FHIR R4 AuditEvents, one a line, by @medplum/core; every line must be one.
//
//   node check_audit_events.mjs FILE
//
// Prints what `check` of medplum.mjs prints. Exit code 0 where it could check, whatever it found.
import { check } from './medplum.mjs';

check(process.argv[2], 'AuditEvent');
