"""Makes the table of FHIR R4 definitions that the validator reads, from HL7's own definitions."""
