"""`fieldward demo`: a relay, three devices and a bad day, each in its own process, with every claim checked."""
