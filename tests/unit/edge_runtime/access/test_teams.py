"""Teams as a person works with them: made, named here alone, found, joined, left, listed."""

from __future__ import annotations

import pytest

from edge_runtime.access.teams import NAMES, Teams, reads_in_words
from edge_runtime.errors import InputError, RefusedError
from sync_protocol.ids import TeamId
from sync_protocol.roles import Compartment, Role
from tests.unit.edge_runtime.clinic import Clinic, Device
from tests.unit.edge_runtime.recorder.test_teams import add_without_keys, chart_of, hand, opens, seen, team_at, write


def teams(device: Device) -> Teams:
    """The teams of a device."""
    return Teams(device.store, device.identity, device.keyring, device.recorder)


def test_a_team_is_called_what_this_device_calls_it(clinic: Clinic):
    """The name is on no wire; another device knows none; an empty one takes it away; a long one is refused."""
    nurse, other = clinic.device(Role.NURSE), clinic.device(Role.NURSE)
    made = teams(nurse).create("Ward 3", sensitive=False)
    hand(nurse, other)
    assert (teams(nurse).name(made), teams(other).name(made)) == ("Ward 3", "")
    stored = [one.entry for one in nurse.store.arrivals(after=0, limit=1 << 20)]
    assert not any(b"Ward 3" in one.body for one in stored)
    teams(nurse).call(made, "Nights")
    assert teams(nurse).name(made) == "Nights"
    teams(nurse).call(made, "")
    assert teams(nurse).name(made) == ""
    assert not nurse.store.values(NAMES)
    for act in (
        lambda: teams(nurse).call(made, "x" * 65),
        lambda: teams(nurse).create("x" * 65, sensitive=False),
    ):
        with pytest.raises(InputError) as refused:
            act()
        assert refused.value.code == "team_name"
    assert len(teams(nurse).cards()) == 1


def test_what_a_team_may_be_given_is_fixed_when_it_is_made(clinic: Clinic):
    """What law or patient keeps apart only where it is made so; and its members read all of it."""
    physician, nurse = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    plain, kept = (teams(physician).create("", sensitive=sensitive) for sensitive in (False, True))
    assert Compartment.SENSITIVE not in team_at(physician, plain).compartments
    assert team_at(physician, kept).compartments == frozenset(Compartment)
    assert teams(physician).add(plain, nurse.id) == nurse.name
    with pytest.raises(RefusedError) as refused:
        teams(physician).add(kept, nurse.id)
    assert refused.value.code == "role_reads_less"
    with pytest.raises(RefusedError) as refused:
        teams(nurse).create("", sensitive=True)
    assert refused.value.code == "role_reads_less"


def test_a_team_is_found_by_its_name_here_or_the_beginning_of_its_id(clinic: Clinic):
    """Names first; one that two teams have names neither; nothing names none."""
    nurse = clinic.device(Role.NURSE)
    first, second = (teams(nurse).create("Ward 3", sensitive=False) for _ in range(2))
    with pytest.raises(RefusedError) as refused:
        teams(nurse).find("Ward 3")
    assert refused.value.code == "ambiguous_team"
    teams(nurse).call(second, str(first)[:8])
    assert teams(nurse).find("Ward 3") == first
    assert teams(nurse).find(str(first)[:8]) == second
    assert teams(nurse).find(str(first)) == first
    for wrong in ("", "Ward 4", "00"):
        with pytest.raises(RefusedError) as refused:
            teams(nurse).find(wrong)
        assert refused.value.code == "no_such_team"


def test_who_is_let_in_and_out(clinic: Clinic):
    """By the beginning of a device's or user's id; only who belongs is taken out."""
    nurse, other, stranger = (clinic.device(Role.NURSE) for _ in range(3))
    made = teams(nurse).create("", sensitive=False)
    assert teams(nurse).add(made, str(other.identity.certificate.user)[:8]) == other.name
    assert team_at(nurse, made).members == {nurse.name, other.name}
    with pytest.raises(RefusedError) as refused:
        teams(nurse).remove(made, stranger.id)
    assert refused.value.code == "no_such_device"
    assert teams(nurse).remove(made, other.id) == other.name
    assert team_at(nurse, made).members == {nurse.name}


def test_who_is_let_in_gets_what_was_wrapped_to_the_members_one_by_one_too(clinic: Clinic):
    """A chart whose writer found no key of the team names its members; the one who lets in mends that."""
    nurse, other, later = (clinic.device(Role.NURSE) for _ in range(3))
    writer = clinic.device(Role.PHYSICIAN)
    made = teams(nurse).create("", sensitive=False)
    add_without_keys(nurse, made, other)
    hand(nurse, writer)
    chart, document = chart_of(writer, made)
    name = write(writer, chart, document)
    hand(writer, nurse)
    teams(nurse).add(made, later.id)
    hand(nurse, later)
    assert opens(later, chart, name) == [True]


def test_cards_say_who_belongs_and_what_is_shared(clinic: Clinic):
    """This device's own teams first, then in order of id; a chart that is not here cannot be counted."""
    nurse, other = clinic.device(Role.NURSE), clinic.device(Role.NURSE)
    own = sorted(teams(nurse).create(f"{number}", sensitive=False) for number in range(2))
    theirs = teams(other).create("", sensitive=False)
    hand(other, nurse)
    chart, _ = chart_of(nurse, own[1], theirs)
    cards = teams(nurse).cards()
    assert [card.team for card in cards] == [*own, theirs]
    assert [card.belongs for card in cards] == [True, True, False]
    assert [card.charts for card in cards] == [(), (chart,), (chart,)]
    assert [card.members for card in cards] == [{nurse.name}, {nurse.name}, {other.name}]
    assert set(seen(nurse, chart).teams) == {own[1], theirs}
    assert TeamId.parse(str(theirs)) == theirs


def test_compartments_in_words():
    """Of content; the audit stream is no content."""
    assert reads_in_words(frozenset(Compartment)) == "safety, clinical, sensitive"
    assert reads_in_words({Compartment.AUDIT}) == "nothing"
