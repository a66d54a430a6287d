"""Giving FHIR out: a chart as R4 resources, with all that came by import and all that was done since."""
