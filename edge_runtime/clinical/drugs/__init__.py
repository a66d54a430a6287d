"""Drugs and the classes in which people react to them: which stated drug meets which stated allergy."""
