"""Fieldward's sync protocol: bytes and values in, bytes and values out. Time and entropy are arguments."""
