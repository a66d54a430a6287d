"""Opened charts, kept: in memory while the program runs, and sealed in the store for its next start.

What is kept is trusted because this device made it and its store's boxes authenticate it; nobody else is ever given it.
"""
