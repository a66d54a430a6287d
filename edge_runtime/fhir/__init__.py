"""FHIR R4: reading it, taking it into charts, giving charts out as it, and judging whether it is valid."""
