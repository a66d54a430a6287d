"""The whole stack on a simulated clock, network and disk: the real core, device runtime and relay, driven by a seed.

`python -m tests.simulation run --seeds 20` runs twenty worlds; a failure prints the command that replays it.
"""
