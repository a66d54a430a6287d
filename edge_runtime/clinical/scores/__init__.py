"""Scores and triage by published tables and flow charts; each names its rule, its inputs and what is missing."""
