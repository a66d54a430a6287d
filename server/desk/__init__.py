"""The break-glass desk: takes the outer layer off one chart's emergency wraps, for who shows the relay's receipt.

A process of its own, on a machine of its own if wanted. It never sees a key, a body or a name; without the facility's
token nothing that it gives out opens. The relay knows nothing of it.
"""
