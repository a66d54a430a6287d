"""An organisation at work, from a seed: twelve devices, wrong clocks, partitions, peers, kits, a relay with its log.

    world = audit_world(seed=3, size=10_000)
    source = world.evidence()

Everything in it is really signed, and all of it but the bytes of root, certificates and relay record follows from the
seed. Ten thousand entries take some seconds, so worlds are kept for the test session: whoever changes something changes
a `MemorySource` that a view returned, never the world.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from sync_protocol import control
from sync_protocol.evidence import Witness
from sync_protocol.ids import DocumentId
from sync_protocol.roles import Compartment
from tests.support.audit_actors import Actor, Writing, some_clock
from tests.support.audit_founding import Founding, Plan, WorldChart
from tests.support.audit_source import MemorySource
from tests.support.audit_views import view

BODY_BYTES = 96
MINUTE_MS = 60_000
RELAY = "relay"


class World(Founding):
    """A history, and everything that its parties hold."""

    def run(self) -> None:
        """Let them work until there are enough entries."""
        acts: dict[Callable[[], None], int] = {
            self._work: 66,
            self._meet: 18,
            self._visit_relay: 12,
            self._restart: 3,
            self._divide: 3,
        }
        for milestone in self._milestones():
            while len(self.entries) < milestone:
                self.now_ms += self.rng.randint(1, 20) * MINUTE_MS
                self.rng.choices(tuple(acts), tuple(acts.values()))[0]()
            self._restore_or_back_up()
        unseen = set(self.rng.sample(self.actors[4:], 2))
        for actor in self.actors:
            if actor not in unseen:
                self._visit(actor, share=1)
        self._visit(self.officer, share=1)

    def _milestones(self) -> Iterable[int]:
        """At how many entries a backup is made or put back, and last at how many the history ends."""
        size, count = self.plan.size, 2 * self.plan.restores
        return [size * (turn + 2) // (count + 3) for turn in range(count)] + [size]

    def _restore_or_back_up(self) -> None:
        if len(self.entries) >= self.plan.size:
            return
        if self.backups:
            actor, backup, marker = self.backups.pop()
            if actor.pen.id == backup.pen.id and len(self.entries) > marker:
                self._work(actor, everywhere=True)  # so that something was written that the backup lacks
                actor.restore(backup)
                for other in self.actors:
                    other.told.pop(actor.name, None)
                self._work(actor, everywhere=True)
                self.forked.add(backup.pen.id)
            return
        actor = self.rng.choice(self.actors[4:])
        self._work(actor)
        self.backups.append((actor, actor.back_up(), len(self.entries)))

    def _work(self, actor: Actor | None = None, *, everywhere: bool = False) -> None:
        """Some reads and changes of one chart, or acts that concern no chart, under one seal."""
        who = actor or self.rng.choice(self.actors)
        entropy, rng = self.organisation.entropy, self.rng
        mine = [chart for chart in self.charts if who in chart.members and chart.ready in who.has]
        ledger = self.ledgers[who.name]
        if len(self.charts) < self.plan.charts and rng.random() < 0.01:
            self._new_chart()
        if mine and rng.random() < 0.03:
            body = control.pack_control(control.CreateDocument(document=DocumentId(entropy(16))))
            chart = rng.choice(mine)
            self.write(who, [Writing(chart.control, body, None, who.control_heads(chart.control))])
        writings = [self._writing(who, ledger, Compartment.AUDIT) for _ in range(rng.randint(1, 2))]
        for chart in mine if everywhere else rng.sample(mine, min(len(mine), rng.randint(0, 2))):
            count = rng.randint(1, 6)
            writings += [self._writing(who, chart, rng.choice(tuple(Compartment))) for _ in range(count)]
        rng.shuffle(writings)
        self.write(who, writings, pause_ms=rng.choice((1, 250, 2_000)))

    def _writing(self, who: Actor, chart: WorldChart, compartment: Compartment) -> Writing:
        stream = control.content_stream(chart.id, chart.document, compartment)
        body = self.organisation.entropy(BODY_BYTES)
        return Writing(stream, body, chart.epochs[compartment], who.control_heads(chart.control))

    def _meet(self) -> None:
        """Two devices on one side of a partition hand each other what they may, and note how far the other came."""
        one, other = self.rng.sample(self.actors, 2)
        if self.sides.get(one.name) != self.sides.get(other.name):
            return
        share = self._share()
        one.hand_over(other, true_ms=self.now_ms, share=share)
        other.hand_over(one, true_ms=self.now_ms, share=self._share())
        self._gossip(one, other)
        for who, whom in ((one, other), (other, one)):
            heads = list(who.news_of(whom))
            (entry,) = self.write(who, [self._writing(who, self.ledgers[who.name], Compartment.AUDIT)])
            who.witnesses += [
                Witness(
                    stream=head.header.stream,
                    session=head.header.session,
                    seq=head.header.seq,
                    entry=head.hash,
                    by=entry.hash,
                )
                for head in heads
            ]

    def _gossip(self, one: Actor, other: Actor) -> None:
        for who, whom in ((one, other), (other, one)):
            if whom.notes and whom.notes[-1] not in who.notes:
                who.notes.append(whom.notes[-1])

    def _share(self) -> float:
        return self.rng.random() if self.rng.random() < 0.2 else 1

    def _visit_relay(self) -> None:
        actor = self.rng.choice(self.actors)
        if self.sides.get(actor.name, 0) == 0:
            self._visit(actor, share=self._share())

    def _visit(self, actor: Actor, *, share: float) -> None:
        """Hand the relay what it lacks, be given receipts, and fetch what is new."""
        start = min(actor.told.get(RELAY, 0), len(actor.arrived))
        lacking = [index for index in actor.arrived[start:] if index not in self.log_index]
        given = lacking[: int(len(lacking) * share)]
        if len(given) == len(lacking):
            actor.told[RELAY] = len(actor.arrived)
        for index in given:
            self.log_index[index] = self.log.append(self.entries[index].hash)
            self.relay_order.append(index)
        note = self.log.publish()
        size = self.log.size
        actor.receipts += [
            self.log.receipt(self.entries[index].hash, self.log_index[index], size=size, note=note) for index in given
        ]
        for known in actor.notes[-2:]:
            if known[0] < size:
                actor.consistency.append(self.log.consistency(known, (size, note)))
        if (size, note) not in actor.notes:
            actor.notes.append((size, note))
        fetched = self.relay_order[actor.told.get("from relay", 0) :]
        for index in fetched:
            if index not in actor.has and actor.may_hold(self.entries[index].header.stream):
                actor.arrive(index, self.now_ms)
        actor.told["from relay"] = len(self.relay_order)
        self.write(actor, [self._writing(actor, self.ledgers[actor.name], Compartment.AUDIT)])

    def _restart(self) -> None:
        """A device starts a new session; now and then somebody sets its clock."""
        actor = self.rng.choice(self.actors)
        if any(actor is backed for backed, _, _ in self.backups):
            return
        if self.plan.skewed and self.rng.random() < 0.5:
            actor.clock = some_clock(self.rng, self.now_ms)
        actor.start(self.now_ms)

    def _divide(self) -> None:
        """The network falls into two, the relay on side 0; or it is whole again."""
        whole = self.rng.random() < 0.6
        self.sides = {} if whole else {actor.name: self.rng.randrange(2) for actor in self.actors}

    # ------------------------------------------------------------------------------------------------- views

    def relay_view(self) -> MemorySource:
        """What the relay holds: all that it was given, and its log; no receipts, no opened meetings."""
        return view(self, self.relay_order, all_of=None, log=True, actors=())

    def device_view(self, name: str) -> MemorySource:
        """What one device holds."""
        actor = next(actor for actor in self.actors if actor.name == name)
        streams = None if actor.streams is None else frozenset(actor.streams)
        return view(self, actor.arrived, all_of=streams, log=False, actors=(actor,))

    def evidence(self, *, log: bool = True) -> MemorySource:
        """What a court has: all receipts, notes and meetings, with the relay's log or what the officer holds."""
        held = self.relay_order if log else self.officer.arrived
        return view(self, held, all_of=None, log=log, actors=self.actors, by_chain=not log)


@lru_cache(maxsize=40)
def audit_world(seed: int, size: int, *, charts: int = 8, skewed: bool = True, restores: int = 0) -> World:
    """The world of a seed, made once in a test session."""
    world = World(seed, Plan(size=size, charts=charts, skewed=skewed, restores=restores))
    world.found()
    world.run()
    return world
