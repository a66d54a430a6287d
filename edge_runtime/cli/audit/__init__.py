"""The command group `fieldward audit`."""
