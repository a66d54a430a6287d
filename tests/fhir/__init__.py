"""Campaigns over FHIR: the official examples, and defects that are seeded into them."""
