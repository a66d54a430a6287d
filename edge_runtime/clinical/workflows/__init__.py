"""Workflows: what a document of a type asks for, how far it is, how well it is kept, and what happened in it."""
