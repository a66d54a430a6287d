"""The story `incident`: 60 casualties on four phones without a network, merged at a kit, linked, identified."""

from __future__ import annotations

import shutil
from functools import partial
from typing import Final

from edge_runtime.cli.demo.ferry import KIT, LATE, LOST, PHONES, ROLES, TITLE, Ferry
from edge_runtime.cli.demo.processes import DemoError, together

_FOUND: Final = (("red", 2), ("yellow", 4), ("green", 5), ("grey", 1))
"""What each phone finds, with how many."""
_FAINT: Final = ("--start", "walks=no", "--start", "respiratory_rate=36")
_STEADY: Final = (
    "--start", "walks=no", "--start", "respiratory_rate=22", "--start", "radial_pulse=yes",
    "--start", "obeys_commands=yes",
)  # fmt: skip
_TAG: Final = "A-0042"
_NAMES: Final = ("Ana Lima", "Gül Öztürk", "Nguyễn Văn An", "Olu Adeyemi")


def play(stage: Ferry) -> None:
    """Play every chapter.

    Raises:
        DemoError: a step did not go as it must.
    """
    try:
        with stage.chapter("enrol", "Founding an organisation; enrolling a kit and four phones"):
            _found(stage)
        with stage.chapter("open", "A ferry hits the pier: the kit opens an incident, then the network is gone"):
            _open(stage)
        with stage.chapter("register", "Four phones register 15 casualties each, out of reach of each other"):
            together(*(partial(_register, stage, name) for name in PHONES))
        with stage.chapter("triage", "Two phones meet and part; both triage the same people again"):
            _triage_apart(stage)
        with stage.chapter("lost", "The third phone meets the second, then falls into the water"):
            stage.seen.apart[LOST] = stage.board(LOST)
            stage.meet(LOST, PHONES[1])
            shutil.rmtree(stage.devices[LOST].home)
        with stage.chapter("merge", "The phones reach the kit, one by one; the fourth is late"):
            _merge(stage)
        with stage.chapter("link", "At the kit: a tag that was used twice, people who were registered twice, names"):
            _put_right(stage)
        with stage.chapter("check", "Everybody meets the kit again; comparing all boards"):
            _check(stage)
    finally:
        stage.close()


def _found(stage: Ferry) -> None:
    stage.devices["administrator"].run("org", "init", "--out", str(stage.organisation))
    stage.wire.mend()
    stage.relay.start()
    together(*(partial(stage.enrol, name, role) for name, role in ROLES.items()))
    stage.sync(KIT)


def _open(stage: Ferry) -> None:
    kit = stage.devices[KIT]
    made = kit.run("incident", "new", TITLE)
    stage.incident = made["incident"]
    for name in PHONES:
        kit.run("team", "add", made["team"], stage.ids[name])
    stage.sync(KIT)
    stage.sync(*PHONES)
    stage.relay.stop()
    stage.wire.cut()
    refused = kit.run("sync", "once", "--attempts", "1", refusals=("relay_unreachable",))
    if "error" not in refused:
        raise DemoError("demo_network", expected="no network", got="a sync that went through", do="report this")


def _register(stage: Ferry, name: str) -> None:
    """15 casualties: twelve by eye, one by START, one nobody looked at, one with a tag or as one more green."""
    last: tuple[str, ...] = ("--tag", _TAG, "--to", "yellow") if name in PHONES[:2] else ("--to", "green")
    acts: list[tuple[str, ...]] = [("--to", colour, "--count", str(count)) for colour, count in _FOUND]
    acts += [_FAINT, ("--note", "under the bow, not reached yet"), last]
    made = [one for act in acts for one in stage.act(name, "add", *act)["registered"]]
    stage.seen.by[name] = [one["chart"] for one in made]
    stage.seen.made |= {one["chart"]: one["number"] for one in made}
    if last[0] == "--tag":
        stage.seen.twins.append(made[-1]["chart"])


def _triage_apart(stage: Ferry) -> None:
    """Phones 1 and 2 know the casualties of both when they part."""
    one, two = PHONES[:2]
    stage.meet(one, two)
    first, second, yellow, other, green = stage.seen.by[one][:2] + stage.seen.by[one][2:4] + stage.seen.by[one][6:7]
    stage.seen.against = {"dead": yellow, "lowered": first, "raised": green, "refused": second}

    def at_one() -> None:
        stage.act(one, "triage", yellow, *_FAINT)
        stage.act(one, "triage", first, *_STEADY, "--lower")
        stage.act(one, "triage", green, "--to", "red")

    def at_two() -> None:
        stage.act(two, "triage", yellow, "--to", "black", "--lower", "--reason", "no pulse")
        stage.act(two, "triage", first, "--to", "red")
        stage.act(two, "triage", green, "--to", "green")
        stage.act(two, "triage", other, "--to", "green", "--lower", "--reason", "walks now")
        refused = stage.act(two, "triage", second, "--to", "green", refusals=("would_lower",))
        stage.seen.refused = refused.get("error", {}).get("code", "")

    together(at_one, at_two)


def _merge(stage: Ferry) -> None:
    present = [name for name in PHONES if name != LOST]
    stage.seen.apart |= stage.boards(*present)
    for name in present[:2]:
        stage.meet(name, KIT)
    stage.seen.kit_first = stage.board(KIT)
    stage.meet(LATE, KIT)
    stage.seen.merged = stage.board(KIT)


def _put_right(stage: Ferry) -> None:
    seen = stage.seen
    stage.act(KIT, "number", seen.twins[1], "A-0043")
    one, two, four = (seen.by[name] for name in (PHONES[0], PHONES[1], LATE))
    seen.pairs = [(one[6], two[0]), (one[3], four[11])]
    seen.undone = (one[8], two[9])
    for left, right in (*seen.pairs, seen.undone):
        stage.act(KIT, "link", left, right, "--reason", "same face, same clothes")
    stage.act(KIT, "unlink", *seen.undone, "--reason", "two brothers")
    for chart, name in zip((one[0], two[0], seen.by[LOST][0], four[0]), _NAMES, strict=True):
        stage.act(KIT, "identify", chart, "--name", name, "--by", "the passenger list")
        seen.names[chart] = name


def _check(stage: Ferry) -> None:
    present = [name for name in PHONES if name != LOST]
    for name in present:
        stage.meet(name, KIT)
    stage.seen.last = stage.boards(KIT, *present)
    stage.seen.patients = stage.act(KIT, "show")["patients"]
    stage.seen.checked = stage.devices[KIT].run("doctor")["ok"]
