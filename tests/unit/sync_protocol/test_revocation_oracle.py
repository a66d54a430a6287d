"""The evaluation of revocations by depth is what the protocol's words say: an oracle takes them literally."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_protocol.control_entry import written
from sync_protocol.roles import Role
from tests.support.org_world import Actor, OrgWorld
from tests.support.revocation_oracle import Oracle

pytestmark = pytest.mark.campaign

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["revoke", "revoke", "root", "certify", "say", "fork", "restart"]),
        st.integers(0, 9),
        st.integers(0, 9),
        st.integers(-1, 9),
    ),
    max_size=14,
)


def play(steps: list[tuple[str, int, int, int]]) -> OrgWorld:
    """An organisation of four administrators in three ranks, and what they do to each other."""
    world = OrgWorld.make(1)
    first = world.actor(Role.ADMIN)
    second = world.actor(Role.ADMIN)
    third = world.actor(Role.ADMIN, by=first)
    nurse = world.actor(Role.NURSE, by=third)
    actors: list[Actor] = [world.admin, first, second, third, nurse]
    twins: dict[int, Actor] = {}
    for act, by, whom, place in steps:
        number = by % len(actors)
        actor = twins.get(number, actors[number])
        actor.see_all() if place % 2 else None
        administers = actor.device.certificate.value.role is Role.ADMIN
        if act == "say":
            actor.write(b"\xff")
        elif act == "fork":
            twins[number] = actor.twin()
        elif act == "restart":
            actors[number].restart()
            twins.pop(number, None)
        elif act == "certify" and administers and len(actors) < 8:
            actors.append(world.actor(Role.ADMIN if place % 2 else Role.NURSE, by=actors[number]))
        elif act == "root" or (act == "revoke" and administers):
            subject = actors[whom % len(actors)]
            sessions = [one for one in world.sessions.values() if one.device.name == subject.name]
            at = {one.id: min(place, len(one.seals) - 1) for one in sessions}
            actor.write(world.revocation(None if act == "root" else actor, subject, world.cuts(subject, at=at)))
    return world


def agree(steps: list[tuple[str, int, int, int]]) -> None:
    """The oracle and the evaluation exclude the same records."""
    world = play(steps)
    oracle = Oracle(world)
    reading = world.reading()
    view = reading.organisation.now
    found = {
        entry.hash
        for entry in world.entries.values()
        if view.excludes(written(entry, world.author(entry), reading.seals)) is not None
    }
    assert found - oracle.by_root == oracle.excluded
    binding = {name for name, why in view.refused.items() if why in {"outside_cut", "not_its_issuer"}}
    assert not binding & oracle.effective


@given(STEPS)
@settings(max_examples=200)
def test_the_evaluation_agrees_with_the_words(steps: list[tuple[str, int, int, int]]):
    """Over random histories of revocations, certificates, forks and sessions."""
    agree(steps)


@pytest.mark.soak
@given(STEPS)
@settings(max_examples=3000)
def test_the_evaluation_agrees_with_the_words_for_long(steps: list[tuple[str, int, int, int]]):
    """The same, more."""
    agree(steps)
