"""What a program and its text worker say to each other over two pipes.

Frames both ways, as in `edge_runtime.processes.frames`. A request is a list that begins with an `Op`.
Answers are `[Answer.TAKEN]` after each update taken, then `[Answer.DONE, value]`, or `[Answer.FAILED, error's name]`.
"""

from __future__ import annotations

from enum import IntEnum


class Op(IntEnum):
    """What is asked."""

    APPLY = 1
    """[op, doc, updates]: take updates in this order; a Doc that is not there yet starts empty."""
    TEXT = 2
    """[op, doc]: the text."""
    EDIT = 3
    """[op, doc, client, pieces]: the update of an edit; each piece is [start, end, text]."""
    FREE = 4
    """[op, docs]: let go of Docs."""


class Answer(IntEnum):
    """What kind of answer comes."""

    TAKEN = 0
    DONE = 1
    FAILED = 2
