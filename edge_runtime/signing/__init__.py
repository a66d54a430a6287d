"""Signing: somebody answers for what a document says, beside it, after it, or in place of what was signed before."""
