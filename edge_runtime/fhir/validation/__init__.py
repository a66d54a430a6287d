"""Judging FHIR: structure, bindings, references and invariants, each problem with its code and path."""
