"""Makers of test material that several rooms share."""
