"""Reading FHIR: from bytes to records, whatever is wrong named by record and path."""
