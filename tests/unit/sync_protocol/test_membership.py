"""Membership is a pure function of the set of control entries, and nobody takes more than they were given.

Who joins, who grants what, documents, epochs. `test_chart_history` has what takes away again.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sync_protocol.chart_counting import founding
from sync_protocol.chart_history import ChartHistory
from sync_protocol.control import (
    LEDGER_DOCUMENT,
    LEDGER_NONCE,
    AddMember,
    Control,
    CreateChart,
    CreateDocument,
    MintEpoch,
    Rewrap,
    UnknownControl,
    chart_id,
    ledger_id,
)
from sync_protocol.control_entry import ControlEntry, Written
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash, Hash, SessionId
from sync_protocol.limits import CONTROL_HEADS_MAX
from sync_protocol.membership import Membership
from sync_protocol.organisation import Organisation
from sync_protocol.roles import READABLE, Compartment, Role
from tests.support.org_world import OrgWorld, SealBook

SAFETY, CLINICAL, SENSITIVE, AUDIT = Compartment
NONCE = b"n" * 16


WORLD = OrgWorld.make(1)
CREATOR, DOCTOR, NURSE, STRANGER, OFFICER = (
    WORLD.actor(role).name for role in (Role.NURSE, Role.PHYSICIAN, Role.NURSE, Role.PHYSICIAN, Role.COMPLIANCE_OFFICER)
)
ADMIN, UNKNOWN = WORLD.admin.name, CertificateHash(b"unknown".ljust(32, b"."))
ORGANISATION = WORLD.reading().organisation
NOW_MS = WORLD.people.clock.now_ms
CHART = chart_id(CREATOR, NONCE)
FIRST = DocumentId(b"1" * 16)
_MINTED = itertools.count()


def entry(
    name: str, author: CertificateHash, record: Control | UnknownControl | None, *parents: ControlEntry
) -> ControlEntry:
    """A control entry whose hash follows from its name; it follows the chart's creation where nothing else is named."""
    return ControlEntry(
        hash=EntryHash(Hash.of(name.encode())),
        parents=tuple(parent.hash for parent in parents) or (() if name == "birth" else (BIRTH.hash,)),
        written=Written(author=author, session=SessionId(bytes(16)), seal=0, covering=None),
        organisation_heads=(),
        chart_heads=(),
        wall_ms=NOW_MS,
        record=record,
    )


def add(name: CertificateHash, *compartments: Compartment) -> AddMember:
    """An addition; of all compartments by default."""
    return AddMember(certificate=name, compartments=compartments or tuple(Compartment))


def mint(compartment: Compartment, *recipients: CertificateHash, parents: tuple[EntryHash, ...] = ()) -> MintEpoch:
    """An epoch with a wrap for each recipient."""
    return MintEpoch(
        compartment=compartment,
        parents=parents,
        commitment=Hash.of(str(next(_MINTED)).encode()),
        nonce=b"o" * 32,
        wraps=tuple((name, b"wrap") for name in recipients),
    )


BIRTH = entry("birth", CREATOR, CreateChart(nonce=NONCE, document=FIRST))


def replay(
    entries: Iterable[ControlEntry], chart: ChartId = CHART, organisation: Organisation = ORGANISATION
) -> Membership | None:
    """What entries add up to."""
    return ChartHistory(entries, chart, organisation).now


def add_up(*entries: ControlEntry) -> Membership:
    """The membership of the chart."""
    found = replay((BIRTH, *entries))
    assert found is not None
    return found


def candidates(compartment: Compartment, *entries: ControlEntry) -> list[EntryHash]:
    """The epochs under which one would write."""
    history = ChartHistory((BIRTH, *entries), CHART, ORGANISATION)
    return [epoch.id for epoch in history.writing_candidates(compartment, now_ms=NOW_MS)]


def test_nothing_is_known_before_the_chart_is_created():
    """And another's record does not create it."""
    other = entry("other", STRANGER, CreateChart(nonce=NONCE, document=FIRST))
    assert founding(other) != CHART == founding(BIRTH)
    assert founding(entry("x", CREATOR, None)) is None
    assert replay([]) is None
    nothing = ChartHistory([other], CHART, ORGANISATION)
    assert nothing.now is None
    assert nothing.reads(CREATOR, [other.hash], []) == nothing.reads_now(CREATOR) == frozenset()
    assert nothing.may_treat(CREATOR, [other.hash], [])
    assert nothing.follows([], [other.hash])
    assert not nothing.has_known(CREATOR)


def test_the_creator_is_the_first_member():
    """And reads what its role may read."""
    alone = add_up()
    assert (alone.chart, alone.creator, alone.chart_document) == (CHART, CREATOR, FIRST)
    assert alone.members == {CREATOR: READABLE[Role.NURSE]}
    assert alone.heads == (BIRTH.hash,)


def test_a_member_reads_what_was_granted_and_its_role_allows():
    """Of both the less."""
    members = add_up(entry("a", CREATOR, add(NURSE)), entry("b", CREATOR, add(DOCTOR, SAFETY))).members
    assert members[NURSE] == {SAFETY, CLINICAL, AUDIT}
    assert members[DOCTOR] == {SAFETY}


def test_the_creator_grants_what_it_may_not_read_itself():
    """A nurse who opens a chart can have a physician keep sensitive notes in it."""
    assert add_up(entry("a", CREATOR, add(DOCTOR))).members[DOCTOR] == frozenset(Compartment)


def test_members_grant_no_more_than_they_read():
    """Neither to themselves nor to others: whoever reads one compartment does not help themselves to the next."""
    given_little = entry("a", CREATOR, add(DOCTOR, SAFETY))
    greedy = entry("b", DOCTOR, add(DOCTOR), given_little)
    friend = entry("c", DOCTOR, add(NURSE), given_little)
    members = add_up(given_little, greedy, friend).members
    assert members[DOCTOR] == members[NURSE] == {SAFETY}


def test_a_stranger_s_additions_count_for_nothing():
    """Also when the stranger is a member later: what counts is what it was by the record's own past."""
    self_made = entry("a", STRANGER, add(STRANGER))
    found = add_up(self_made)
    assert STRANGER not in found.members
    assert found.refused == {self_made.hash: "not_a_member"}
    invited = entry("b", CREATOR, add(STRANGER, SAFETY))
    blind = entry("c", STRANGER, add(NURSE))
    assert add_up(self_made, invited, blind).members.keys() == {CREATOR, STRANGER}
    friend = entry("d", STRANGER, add(NURSE), invited)
    assert add_up(self_made, invited, friend).members[NURSE] == {SAFETY}


def test_what_comes_before_the_chart_s_creation_counts_for_nothing():
    """Nobody belongs to a chart by a past in which there was none."""
    early = ControlEntry(
        hash=EntryHash(b"e" * 32),
        parents=(),
        written=BIRTH.written,
        organisation_heads=(),
        chart_heads=(),
        wall_ms=1,
        record=add(NURSE),
    )
    assert NURSE not in add_up(early).members


def test_grants_add_up():
    """And what somebody grants is what it read when it did: nobody hands on what was granted to it later."""
    chain = [
        first := entry("a", CREATOR, add(DOCTOR, SAFETY)),
        second := entry("b", DOCTOR, add(NURSE), first),
        third := entry("c", CREATOR, add(DOCTOR, CLINICAL), second),
    ]
    assert add_up(*chain).members[DOCTOR] == {SAFETY, CLINICAL}
    assert add_up(*chain).members[NURSE] == {SAFETY}
    assert add_up(*chain, entry("d", DOCTOR, add(NURSE), third)).members[NURSE] == {SAFETY, CLINICAL}


def test_a_certificate_that_is_not_known_yet_is_no_member_yet():
    """It becomes one when it is put on record, whatever other certificates a device has met."""
    late = WORLD.actor(Role.NURSE).name
    addition = entry("a", CREATOR, add(late))
    assert late not in add_up(addition).members
    bare = replay([BIRTH, addition], CHART, Organisation(WORLD.trust, [], SealBook()))
    found = replay([BIRTH, addition], CHART, WORLD.reading().organisation)
    assert bare is not None
    assert found is not None
    assert late not in bare.members
    assert found.members[late] == {SAFETY, CLINICAL, AUDIT}


def test_an_unknown_creator_reads_nothing_yet():
    """Its role is not known."""
    birth = entry("birth", UNKNOWN, CreateChart(nonce=NONCE, document=FIRST))
    found = replay([birth], chart_id(UNKNOWN, NONCE))
    assert found is not None
    assert found.members == {UNKNOWN: frozenset()}


def test_an_administrator_in_a_chart_reads_nothing():
    """Its role keeps it from all compartments."""
    assert add_up(entry("a", CREATOR, add(ADMIN))).members[ADMIN] == frozenset()


def test_a_compliance_officer_in_a_chart_reads_who_did_what_and_nothing_else():
    """Whatever it was granted, and it grants no more than that."""
    enlisted = entry("a", CREATOR, add(OFFICER))
    members = add_up(enlisted, entry("b", OFFICER, add(DOCTOR), enlisted)).members
    assert members[OFFICER] == members[DOCTOR] == {AUDIT}


def test_a_ledger_holds_nothing_but_its_audit_stream():
    """Its creator reads that whatever its role, and nobody reads more of it, whatever was granted."""
    ledger = ledger_id(ADMIN)
    birth = replace(entry("ledger", ADMIN, CreateChart(nonce=LEDGER_NONCE, document=LEDGER_DOCUMENT)), parents=())
    added = [entry(f"add {name}", ADMIN, add(name), birth) for name in (OFFICER, DOCTOR)]
    seen = (birth, *added)
    whole = entry("whole", ADMIN, mint(AUDIT, ADMIN, OFFICER, DOCTOR), *seen)
    content = entry("content", ADMIN, mint(CLINICAL, ADMIN, OFFICER, DOCTOR), *seen)
    found = replay((*seen, whole, content), ledger)
    assert found is not None
    assert found.chart_document == LEDGER_DOCUMENT
    assert found.members == {ADMIN: {AUDIT}, OFFICER: {AUDIT}, DOCTOR: {AUDIT}}
    assert [epoch.id for epoch in found.epochs.values() if epoch.valid] == [whole.hash]


def test_nobody_makes_a_ledger_of_anothers():
    """It follows from the certificate of the device that writes it."""
    birth = entry("ledger", STRANGER, CreateChart(nonce=LEDGER_NONCE, document=LEDGER_DOCUMENT))
    assert replay([birth], ledger_id(CREATOR)) is None
    assert founding(birth) == ledger_id(STRANGER)


def test_documents_are_the_chart_s_own_and_then_the_others():
    """Ascending; a stranger's count for nothing, and a creator who contradicts itself loses none."""
    second, third, foreign = (DocumentId(bytes([n]) * 16) for n in (9, 3, 1))
    twice = entry("birth again", CREATOR, CreateChart(nonce=NONCE, document=third))
    found = add_up(
        entry("a", CREATOR, CreateDocument(document=second)),
        entry("b", STRANGER, CreateDocument(document=foreign)),
        twice,
    )
    first = min((BIRTH, twice), key=lambda item: item.hash)
    assert isinstance(first.record, CreateChart)
    assert found.chart_document == first.record.document
    assert set(found.documents) == {FIRST, second, third}
    assert list(found.documents[1:]) == sorted(found.documents[1:])


def test_heads_are_members_entries_that_none_of_them_follows():
    """A stranger's entries are nobody's business, whatever they name; and there are never too many for a header."""
    a = entry("a", CREATOR, add(NURSE), BIRTH)
    noise = entry("b", STRANGER, None, a)
    assert add_up(a, noise).heads == (a.hash,)
    crowd = [entry(f"{n}", CREATOR, UnknownControl(99), BIRTH) for n in range(CONTROL_HEADS_MAX + 5)]
    heads = add_up(*crowd).heads
    assert len(heads) == CONTROL_HEADS_MAX
    assert list(heads) == sorted(item.hash for item in crowd)[:CONTROL_HEADS_MAX]


def test_what_does_not_decode_is_void_alone():
    """It keeps its place in the causal order."""
    a = entry("a", CREATOR, add(NURSE), BIRTH)
    void = entry("b", CREATOR, None, a)
    epoch = entry("c", CREATOR, mint(SAFETY, CREATOR, NURSE), void)
    found = add_up(a, void, epoch)
    assert found.epochs[epoch.hash].valid
    assert found.heads == (epoch.hash,)


def test_an_epoch_is_judged_by_what_its_minter_had_seen():
    """Members whom it could not know of do not spoil it; those whom it knew of must be recipients."""
    a = entry("a", CREATOR, add(NURSE), BIRTH)
    before = entry("before", CREATOR, mint(SAFETY, CREATOR), BIRTH)
    after = entry("after", CREATOR, mint(SAFETY, CREATOR, NURSE), a)
    careless = entry("careless", CREATOR, mint(SAFETY, CREATOR), a)
    generous = entry("generous", CREATOR, mint(SAFETY, CREATOR, NURSE, STRANGER), a)
    found = add_up(a, before, after, careless, generous)
    assert {name for name, epoch in found.epochs.items() if epoch.valid} == {before.hash, after.hash}
    assert candidates(SAFETY, a, before, after, careless, generous) == [after.hash]


def test_a_minter_must_be_a_reader():
    """Whoever mints an epoch knows its key: a member who may not read a compartment mints none for it."""
    a = entry("a", CREATOR, add(DOCTOR), BIRTH)
    b = entry("b", CREATOR, add(NURSE), a)
    spy = entry("spy", NURSE, mint(SENSITIVE, DOCTOR), b)
    fair = entry("fair", DOCTOR, mint(SENSITIVE, DOCTOR), b)
    found = add_up(a, b, spy, fair)
    assert found.refused == {spy.hash: "not_a_reader"}
    assert not found.epochs[spy.hash].valid
    assert candidates(SENSITIVE, a, b, spy, fair) == [fair.hash]


def test_candidates_are_today_s_readers_lowest_hash_first():
    """An epoch that lacks a newer member is written under no more."""
    epochs = [entry(f"e{n}", CREATOR, mint(CLINICAL, CREATOR), BIRTH) for n in range(5)]
    assert candidates(CLINICAL, *epochs) == sorted(item.hash for item in epochs)
    assert candidates(SAFETY, *epochs) == []
    assert candidates(CLINICAL, *epochs, entry("a", CREATOR, add(NURSE))) == []


def test_tips_are_the_parents_of_the_next_epoch():
    """Those that no other names."""
    one = entry("one", CREATOR, mint(SAFETY, CREATOR), BIRTH)
    two = entry("two", CREATOR, mint(SAFETY, CREATOR, parents=(one.hash,)), one)
    assert add_up(one, two).epoch_tips(SAFETY) == (two.hash,)
    assert add_up(one, two).epoch_tips(CLINICAL) == ()


def test_rewraps_join_the_epoch_s_wraps():
    """Each with who wrapped; a stranger's are left out, and those of an unknown epoch wait."""
    epoch = entry("e", CREATOR, mint(SAFETY, CREATOR), BIRTH)
    a = entry("a", CREATOR, add(NURSE), epoch)
    again = entry("r", CREATOR, Rewrap(epoch=epoch.hash, wraps=((NURSE, b"late"), (CREATOR, b"again"))), a)
    foreign = entry("f", STRANGER, Rewrap(epoch=epoch.hash, wraps=((NURSE, b"bad"),)), a)
    lost = entry("l", CREATOR, Rewrap(epoch=EntryHash(b"?" * 32), wraps=((NURSE, b"lost"),)), a)
    found = add_up(epoch, a, again, foreign, lost)
    assert set(found.epochs) == {epoch.hash}
    wraps = found.epochs[epoch.hash].wraps
    assert wraps[NURSE] == ((CREATOR, b"late"),)
    assert set(wraps[CREATOR]) == {(CREATOR, b"wrap"), (CREATOR, b"again")}
    assert found.epochs[epoch.hash].minter == CREATOR
    assert found.epochs[epoch.hash].heads == (BIRTH.hash,)


PEOPLE = [CREATOR, DOCTOR, NURSE, STRANGER, OFFICER, ADMIN, UNKNOWN]
RECORDS = st.one_of(
    st.builds(add, st.sampled_from(PEOPLE), st.sampled_from(Compartment)),
    st.builds(add, st.sampled_from(PEOPLE)),
    st.builds(lambda n: CreateDocument(document=DocumentId(bytes([n]) * 16)), st.integers(0, 3)),
    st.builds(lambda c, names: mint(c, *names), st.sampled_from(Compartment), st.sets(st.sampled_from(PEOPLE))),
    st.just(CreateChart(nonce=NONCE, document=DocumentId(b"2" * 16))),
    st.none(),
    st.builds(UnknownControl, st.integers(60, 70)),
)


@st.composite
def histories(draw: st.DrawFn) -> list[ControlEntry]:
    """A chart's control entries: each author had seen some of what was there."""
    entries = [BIRTH]
    for number in range(draw(st.integers(0, 12))):
        parents = draw(st.sets(st.sampled_from(range(len(entries))), max_size=3))
        author = draw(st.sampled_from(PEOPLE))
        entries.append(entry(f"entry {number}", author, draw(RECORDS), *(entries[n] for n in sorted(parents))))
    return entries


@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_plays_no_part(entries: list[ControlEntry], shuffler: random.Random):
    """Any order, any duplicates: one membership."""
    shuffled = entries + shuffler.sample(entries, len(entries) // 2)
    shuffler.shuffle(shuffled)
    assert replay(shuffled) == replay(entries)


@given(histories(), st.integers(0, 12))
def test_members_and_rights_only_grow(entries: list[ControlEntry], count: int):
    """Nothing that is learned later takes back a right that was there, where nobody is removed or revoked."""
    some, whole = replay(entries[: 1 + count]), replay(entries)
    assert some is not None
    assert whole is not None
    assert all(reads <= whole.members[name] for name, reads in some.members.items())


@given(histories())
def test_an_epoch_s_verdict_is_what_its_causal_past_alone_gives(entries: list[ControlEntry]):
    """Judged again from nothing but the past of the epoch's own entry, the verdict is the same."""
    whole = replay(entries)
    assert whole is not None
    known = {item.hash: item for item in entries}
    for name, epoch in whole.epochs.items():
        past = replay(past_of(known[name].parents, known))
        readers = frozenset[CertificateHash]() if past is None else past.readers(epoch.record.compartment)
        recipients = {recipient for recipient, _ in epoch.record.wraps}
        assert epoch.valid == (epoch.minter in readers and recipients == readers)


def past_of(heads: Iterable[EntryHash], known: dict[EntryHash, ControlEntry]) -> list[ControlEntry]:
    """The known entries at and before `heads`."""
    found: dict[EntryHash, ControlEntry] = {}
    ahead = list(heads)
    while ahead:
        name = ahead.pop()
        if name in known and name not in found:
            found[name] = known[name]
            ahead.extend(known[name].parents)
    return list(found.values())


def test_a_missing_or_circular_past_is_no_hindrance():
    """Parents that are not here contribute nothing; hashes forbid circles, and one would only be left out."""
    orphan = replace(entry("orphan", CREATOR, mint(SAFETY, CREATOR)), parents=(EntryHash(b"?" * 32), BIRTH.hash))
    one = replace(entry("one", CREATOR, add(NURSE)), hash=EntryHash(b"1" * 32), parents=(EntryHash(b"2" * 32),))
    two = replace(entry("two", CREATOR, add(DOCTOR)), hash=EntryHash(b"2" * 32), parents=(one.hash,))
    found = add_up(orphan, one, two)
    assert found.epochs[orphan.hash].valid
    assert found.members.keys() == {CREATOR}
