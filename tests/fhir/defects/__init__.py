"""Seeds defects into official FHIR R4 examples. Knows the specification, and nothing of the validator that it tries."""
