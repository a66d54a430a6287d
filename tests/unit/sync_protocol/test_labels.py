"""Labels keep purposes apart."""

from __future__ import annotations

import re

from sync_protocol.labels import Label


def test_a_label_ends_in_its_only_nul():
    """So no label is a prefix of another, whatever message follows it."""
    for label in Label:
        assert re.fullmatch(rb"fieldward/1/[a-z0-9-]+\0", label), label


def test_labels_are_distinct():
    """One purpose, one label: an alias would make two purposes one."""
    assert len(Label.__members__) == len(set(Label))
