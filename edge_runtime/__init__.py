"""Fieldward on a device: vault, encrypted store, documents, clinical rules, transports. Works alone for weeks."""
