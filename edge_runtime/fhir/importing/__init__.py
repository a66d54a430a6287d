"""Taking FHIR in: what each resource states, and what a chart gains by it; nothing twice."""
