"""Nothing that drafts, checks, measures or keeps models asks anything of the network: watched by strace, and denied.

The real program, command by command, on the demonstration model. Each command is denied what connects, binds or sends,
and works. Two things are networked by design and are not here: `model share` with `model import --from`, which carry a
model between devices nearby, and a program on this machine that speaks the OpenAI protocol, whose one test is below.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.ai.drafting import Drafting
from edge_runtime.ai.engine.litert import LitertEngine
from edge_runtime.ai.models.demonstration import demonstration
from edge_runtime.ai.skills.catalogue import SKILLS, skill
from edge_runtime.ai.skills.skill import Source
from mobile_bridge.dispatcher import Bridge
from mobile_bridge.frames import Kind as FrameKind
from sync_protocol.roles import Role
from tests.conftest import require
from tests.contracts.engines import ADAPTERS, BUNDLE, FACTS, THREADS
from tests.e2e.conftest import LIFE_MS
from tests.support.model_hosts import openai_program
from tests.support.network_watch import Kind, Watched, audited, can_watch, watch
from tests.support.people import Organisation
from tests.unit.mobile_bridge.homes import PASSPHRASE, make_chart, make_home
from tests.unit.mobile_bridge.hosts import Host, InProcessWire

VISIT = (
    "34 year old man with chest pain for 2 days. No known allergies.\n"
    "Temperature 37.2, heart rate 110, oxygen 95 percent. Ibuprofen 400 mg was given.\n"
)
NEWS2 = (
    "respiratory_rate=22", "spo2=94", "spo2_scale=1", "on_oxygen=no", "systolic_bp=105", "pulse=112", "consciousness=A",
    "temperature=38.4",
)  # fmt: skip
LORA = BUNDLE.parents[1] / "adapters" / "demonstration-paediatrics.lora"


@dataclass
class Ward:
    """Homes, models and files in a folder, and the program, watched.

    Attributes:
        chart: of the tablet.
    """

    folder: Path
    chart: str
    runs: int = field(default=0)

    def watched(self, *arguments: str, deny: bool = True) -> Watched:
        """Run `fieldward`, and see what it attempted."""
        self.runs += 1
        records = self.folder / "records"
        records.mkdir(exist_ok=True)
        settings = {
            "FIELDWARD_PASSPHRASE": PASSPHRASE,
            "FIELDWARD_MODELS": str(self.folder / "models"),
            "FIELDWARD_HOME": str(self.folder / "tablet"),
        }
        return watch(
            [sys.executable, "-m", "edge_runtime.cli", *arguments],
            records / f"run{self.runs}",
            deny=deny,
            folder=self.folder,
            environment={**os.environ, **settings, "PYTHONPATH": str(Path(__file__).parents[2])},
        )

    def __call__(self, *arguments: str, engine: bool = False) -> Any:
        """Run it with --json; it works, attempts nothing, and starts an engine or none. What it prints."""
        done = self.watched(*arguments, "--json")
        assert done.code == 0, done.out
        assert done.attempts == ()
        assert bool(done.probes) is engine, "an engine that ran was watched, and no other ran"
        return json.loads(done.out.splitlines()[-1])


@pytest.fixture(name="traced", scope="module")
def fixture_traced() -> None:
    """Tests that watch whole processes."""
    require(
        can_watch(), "strace", "it records what processes ask of the network; apt-get install strace, and ptrace(2)"
    )


@pytest.fixture(name="ward", scope="module")
def fixture_ward(tmp_path_factory: pytest.TempPathFactory, traced: None) -> Ward:
    """A physician's tablet with one chart, an administrator's home, and the files that commands are given."""
    del traced
    require(find_spec("litert_lm"), "litert_lm", "the extra 'ai' brings the engine")
    require(demonstration(), "the demonstration model", "`fieldward model build-demo` makes it")
    folder = tmp_path_factory.mktemp("offline")
    organisation = Organisation.make(31)
    for name, role in (("tablet", Role.PHYSICIAN), ("admin", Role.CLINICAL_ADMIN)):
        make_home(folder / name, organisation.device(role, life_ms=LIFE_MS, by_root=True))
    chart, _, _ = make_chart(folder / "tablet")
    (folder / "visit.txt").write_text(VISIT)
    ward = Ward(folder, chart)
    inputs = [word for value in NEWS2 for word in ("--input", value)]
    (folder / "news2.json").write_text(json.dumps(ward("score", "news2", *inputs)))
    (folder / "report.json").write_text(json.dumps(ward("workflow", "show", chart)))
    return ward


@pytest.mark.campaign
class TestEveryPath:
    """The commands, one by one."""

    @pytest.mark.parametrize(
        "arguments",
        [
            ("soap", "--transcript", "visit.txt"),
            ("codes", "--note", "visit.txt"),
            ("documentation", "--note", "visit.txt"),
            ("translate", "--text", "visit.txt", "--to", "es"),
            ("handover", "--note", "visit.txt"),
            ("instructions", "--note", "visit.txt"),
            ("differential", "--note", "visit.txt"),
            ("risk", "--scores", "news2.json"),
            ("quality", "--report", "report.json"),
            ("protocol", "--situation", "visit.txt"),
        ],
        ids=lambda one: one[0],
    )
    def test_a_skill_with_the_model(self, ward: Ward, arguments: tuple[str, ...]) -> None:
        """Each of the ten drafts with the network denied, and asks nothing of it, in this process and the engine's."""
        found = ward("ai", *arguments, engine=True)
        assert found["skill"] == arguments[0]
        assert found["model"] in {"demonstration", None}, "rules alone where they leave the model nothing to say"

    def test_rules_alone(self, ward: Ward) -> None:
        """Without a model no engine is started, and nothing is asked either."""
        assert len(ward("ai", "skills")) == len(SKILLS)
        assert ward("ai", "soap", "--transcript", "visit.txt", "--engine", "none")["model"] is None

    def test_a_stream(self, ward: Ward) -> None:
        """Words as they come."""
        done = ward.watched("ai", "soap", "--transcript", "visit.txt", "--stream")
        assert (done.code, done.attempts) == (0, ())
        assert done.probes
        assert "DEMONSTRATION" in done.out

    def test_drafts_of_a_chart(self, ward: Ward) -> None:
        """Drafted from a file and from a chart, kept, listed, shown, accepted and dismissed."""
        kept = [
            ward("ai", *words, "--chart", ward.chart, engine=True)["kept"]["draft"]
            for words in (("soap", "--transcript", "visit.txt"), ("documentation",))
        ]
        assert len(ward("draft", "list", ward.chart)["drafts"]) == 2
        shown = ward("draft", "show", ward.chart, kept[0])
        part = shown["parts"][0]["name"]
        taken = ("--only", part, "--edit", f"{part}=Chest pain for 2 days.")
        assert ward("draft", "accept", ward.chart, kept[0], "--demonstration", *taken)["accepted"] == [part]
        assert ward("draft", "dismiss", ward.chart, kept[1], "--reason", "not needed")["decision"]
        assert ward("draft", "list", ward.chart)["drafts"] == []

    def test_the_check_alone(self, ward: Ward) -> None:
        """Marking a dose that the source does not have."""
        (ward.folder / "draft.txt").write_text("Ibuprofen 800 mg was given.\n")
        found = ward("ai", "check", "--source", "visit.txt", "--draft", "draft.txt")
        assert found["unsupported"]

    def test_models(self, ward: Ward) -> None:
        """Listed, explained, imported, verified, measured beside LiteRT-LM's own benchmark, used, and removed."""
        shutil.copytree(BUNDLE.parent, ward.folder / "stick")
        digest = next(one for one in ward("model", "list")["models"] if one["name"] == "demonstration")["digest"]
        assert ward("model", "list", "--known")["known"]
        assert ward("model", "why", "--skill", "soap")
        assert ward("model", "import", "stick", "--name", "mine", "--sha256", digest, engine=True)["name"] == "mine"
        assert ward("model", "verify", "mine")["whole"]
        assert ward("model", "bench", "mine", "--runs", "1", engine=True)["reference"]
        assert ward("ai", "soap", "--transcript", "visit.txt", "--model", "mine", engine=True)["model"] == "mine"
        assert ward("model", "remove", "mine", "--yes")["removed"]

    def test_an_adapter(self, ward: Ward) -> None:
        """Signed, taken in, drafted with, and removed."""
        named = ("--base", "demonstration", "--name", "kids", "--specialty", "paediatrics", "--out", "kids.adapter")
        signed = ward("model", "adapter", "sign", str(LORA), *named, "--home", "admin")
        assert ward("model", "adapter", "import", "kids.adapter", "--signer", signed["signer"])["state"] == "ready"
        assert len(ward("model", "adapter", "list")["adapters"]) == 1
        drafted = ward("ai", "soap", "--transcript", "visit.txt", "--adapter", "kids", engine=True)
        assert drafted["adapter"] == "kids"
        assert ward("model", "adapter", "remove", "demonstration", "kids", "--yes")["removed"]


@pytest.mark.campaign
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_program_of_this_machine_is_the_one_that_is_connected_to(ward: Ward, host: str) -> None:
    """With the OpenAI protocol: 127.0.0.1 and its port alone, nothing else; `localhost` is not looked up either."""
    facts = replace(FACTS, context_tokens=2048)
    with LitertEngine(BUNDLE, facts, threads=THREADS, adapters=ADAPTERS) as engine, openai_program(engine) as address:
        port = int(address.rsplit(":", 1)[1].removesuffix("/v1"))
        chosen = ("--engine", "openai", "--url", f"http://{host}:{port}/v1", "--model", "demonstration")
        asked = ("ai", "instructions", "--note", "visit.txt", "--max-tokens", "200")
        done = ward.watched(*asked, *chosen, "--json", deny=False)
    assert done.code == 0, done.out
    found = {one.address for one in done.attempts if one.kind is Kind.CONNECTION}
    assert found == {("127.0.0.1", port)}
    assert [one for one in done.attempts if one.kind is Kind.LOOKUP] == []
    sockets = {one.call.partition("(")[2].partition(",")[0] for one in done.attempts if one.kind is Kind.SOCKET}
    assert sockets == {"AF_INET"}
    assert done.probes == 0, "no engine of our own"


@pytest.mark.campaign
def test_a_draft_in_this_process_raises_no_event_of_the_network() -> None:
    """Where there is no strace, and where the platform forbids processes: from the engine's loading to the draft."""
    require(find_spec("litert_lm"), "litert_lm", "the extra 'ai' brings the engine")
    pieces: list[str] = []
    with audited() as heard, LitertEngine(BUNDLE, FACTS, threads=THREADS, adapters=ADAPTERS) as engine:
        engine.warm()
        for name in ("soap", "handover"):
            drafted = Drafting(skill(name), Source(text=VISIT), engine).run(pieces.append)
            assert drafted.sketch.parts
    assert pieces
    assert heard == []


@pytest.mark.campaign
def test_a_host_in_this_process_drafts_without_the_network(tmp_path: Path) -> None:
    """Over the bridge inside a host's process: a home is opened, a draft streams and is kept in a chart."""
    require(find_spec("litert_lm"), "litert_lm", "the extra 'ai' brings the engine")
    make_home(tmp_path / "tablet", Organisation.make(32).device(Role.PHYSICIAN, life_ms=LIFE_MS, by_root=True))
    chart, _, encounter = make_chart(tmp_path / "tablet")
    with audited() as heard, Bridge(tmp_path) as bridge:
        wire = InProcessWire(bridge)
        host = Host(wire)
        host.open()
        place = {"chart": chart, "document": encounter, "keep": True}
        # The rules' remarks are there whatever the toy says, so there is always something to keep.
        request = host.request("ai.run", {"skill": "documentation", **place}, seq=4)
        said = 0
        while (frame := host.next(request)).kind is FrameKind.ITEM:
            assert frame.seq is not None
            host.credit(request, frame.seq + 5)
            said += 1
        wire.close()
    assert frame.kind is FrameKind.END
    assert said
    assert (frame.body or {})["kept"]
    assert heard == []
