"""What a person drafts from: a file, or a document of a chart, which is opened and audited as any reading is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from edge_runtime.cli.ai_options import Place
from edge_runtime.cli.ai_run import Chosen, run
from edge_runtime.cli.output import read_passphrase
from edge_runtime.cli.text_file import read_text
from edge_runtime.errors import InputError

if TYPE_CHECKING:
    from edge_runtime.ai.drafting import Drafted
    from edge_runtime.ai.skills.skill import Skill, Source
    from edge_runtime.clinical.fact_json import Json
    from edge_runtime.runtime import Runtime
    from sync_protocol.ids import ChartId, DocumentId, EntryHash

FILE_BYTES_MAX: Final = 256 * 1024


def drafted_from(
    skill: str, file: Path | None, options: Mapping[str, str], *, facts: str, chosen: Chosen, place: Place
) -> int:
    """Run a skill on a file or a chart.

    Args:
        skill: by name.
        file: what a person named; `-` is standard input, None the chart.
        options: of the skill.
        facts: what JSON the file holds; empty for one of text.
        chosen: how.
        place: the chart, if one was named.
    """
    from edge_runtime.ai.skills.catalogue import skill as found

    if file is None and place.chart_id is None:
        raise click.UsageError("Name a file to draft from, or a chart with --chart.")
    source = None if file is None else _from_file(file, options, facts)
    wanted = found(skill)
    if place.chart_id is None:
        assert source is not None, "a file or a chart was named"
        return run(wanted, source, chosen, None, b"")
    return _in_chart(wanted, source, options, chosen, place)


def _from_file(file: Path, options: Mapping[str, str], facts: str) -> Source:
    from edge_runtime.ai.skills.skill import Source

    text = read_text(file, FILE_BYTES_MAX, "the file that you named")
    given = dict(options)
    folder = given.pop("protocols", None)
    match facts:
        case "scores":
            return _of_scores(_json(text))
        case "report":
            return _of_report(_json(text))
        case _:
            return Source(text=text, options=given, facts=own_protocols(folder))


def own_protocols(folder: str | None) -> dict[str, Json]:
    """What the skill `protocol` is given of an organisation's own protocols."""
    if folder is None:
        return {}
    from edge_runtime.ai.skills.protocol_files import read_folder

    return {"protocols": read_folder(Path(folder))}


def _of_scores(value: Json) -> Source:
    """Results as `fieldward score NAME --json` prints them: one, or a list of several."""
    from edge_runtime.ai.skills.risk_scores import source_of

    results = value if isinstance(value, list) else [value]
    kept = [one for one in results if isinstance(one, dict)]
    if len(kept) != len(results):
        raise _unfit("one result of 'fieldward score NAME --json', or a list of them")
    return source_of(kept)


def _of_report(value: Json) -> Source:
    """A report as `fieldward workflow show CHART --json` prints it: of one document, or with the one that it has."""
    from edge_runtime.ai.skills.quality_rules import source_of

    documents = value.get("documents") if isinstance(value, dict) else None
    report = documents[0] if isinstance(documents, list) and len(documents) == 1 else value
    if not isinstance(report, dict) or "documents" in report:
        raise _unfit("the report of one document, as 'fieldward workflow show CHART --json' prints it")
    return source_of(report)


def _unfit(expected: str) -> InputError:
    return InputError("facts_file", expected=expected, got="JSON of another form", do="give that command's output")


def _json(text: str) -> Json:
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError(
            "facts_file",
            expected="one JSON value",
            got="text that is none",
            do="give what the command prints with --json",
        ) from None
    return value


def _in_chart(skill: Skill, source: Source | None, options: Mapping[str, str], chosen: Chosen, place: Place) -> int:
    from edge_runtime.runtime import open_home

    assert place.chart_id is not None, "a chart was named"
    with open_home(place.home, read_passphrase(place.passphrase_file, confirm=False)) as runtime:
        chart = runtime.charts.find(place.chart_id)
        document = runtime.charts.find_document(runtime.charts.open(chart), place.document)
        seen: Sequence[EntryHash] = ()
        if source is None:
            from edge_runtime.drafts.sources import Sources

            given = dict(options)
            facts = own_protocols(given.pop("protocols", None))
            sources = Sources(runtime.charts, runtime.auditor, runtime.identity)
            read = sources.of(chart, document, skill.name, options=given, facts=facts)
            source, seen = read.source, read.seen
        return run(skill, source, chosen, _keeping(runtime, chart, document, seen, apart=place.apart), bytes(chart))


def _keeping(
    runtime: Runtime, chart: ChartId, document: DocumentId, seen: Sequence[EntryHash], *, apart: bool
) -> Callable[[Drafted], dict[str, str]]:
    def keep(drafted: Drafted) -> dict[str, str]:
        fact = runtime.drafts.record(chart, document, drafted, seen=seen, apart=apart)
        return {"chart": str(chart), "document": str(document), "draft": str(fact)}

    return keep
