"""Skills that draft, and hosts that run a model for them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from edge_runtime.ai.drafted_json import drafted_json
from edge_runtime.ai.drafting import Drafted, Drafting, Wishes
from edge_runtime.ai.engine.port import EngineFacts, Modality
from edge_runtime.ai.skills.catalogue import SKILLS, skill
from edge_runtime.ai.skills.skill import Source as DraftSource
from edge_runtime.drafts.sources import Sources
from edge_runtime.runtime import Runtime
from mobile_bridge.drafting import DraftRun
from mobile_bridge.handlers.context import Context, document_of
from mobile_bridge.inference import HostedInference, end_of
from mobile_bridge.request import Request
from mobile_bridge.schema.types import invalid
from mobile_bridge.sources import Body, Source
from mobile_bridge.views import carried
from sync_protocol.encoding import Value
from sync_protocol.ids import ChartId, DocumentId, EntryHash

_ANY: Final = "soap"


def skills(context: Context, _request: Request) -> Body:
    """`ai.skills`: what can be drafted here, and what would answer now."""
    desk, why = context.device.answering(context.host, _ANY)
    found = [skill(name.value) for name in SKILLS]
    rows: list[Value] = [{"name": one.name.value, "title": one.title, "template": one.template} for one in found]
    body: dict[str, Value] = {"skills": rows, "why": why}
    if desk is None:
        return body
    facts = desk.facts
    return body | {
        "model": facts.model,
        "engine": facts.engine,
        "demonstration": facts.demonstration,
        "contained": facts.contained,
    }


def run(context: Context, request: Request) -> Source:
    """`ai.run`: a draft from a text, or from a document, which is a reading of it."""
    wanted, runtime, device = skill(request.text("skill")), context.runtime, context.device
    place = _place(context, request)
    options = _options(request)
    text = request.text_or_none("text")
    seen: tuple[EntryHash, ...] = ()
    if text is not None:
        source = DraftSource(text=text, options=options)
    elif place is not None:
        sources = Sources(runtime.charts, runtime.auditor, runtime.identity)
        read = sources.of(*place, wanted.name, options=options)
        source, seen = read.source, read.seen
    else:
        raise invalid("ai.run", "`text`, or `chart` and `document`", "neither")
    keep = request.flag("keep")
    if keep and place is None:
        raise invalid("ai.run.keep", "`chart` and `document` beside it", "none")
    wishes = Wishes(
        seed=request.number("seed") or 0,
        adapter=request.text_or_none("adapter"),
        patient=b"" if place is None else bytes(place[0]),
        tokens_max=request.number("tokens_max"),
    )
    desk = None if request.flag("without_model") else device.answering(context.host, wanted.name.value)[0]
    finish = partial(_finish, runtime, place if keep else None, seen, apart=request.flag("apart"))
    return DraftRun(Drafting(wanted, source, desk, wishes), wake=device.wake, finish=finish)


def offer(context: Context, request: Request) -> Source:
    """`inference.offer`: this host runs a model, for as long as the stream stands."""
    modalities = [str(one) for one in request.items("modalities") or []]
    facts = EngineFacts(
        engine="host",
        model=request.text("model"),
        digest=request.text_or_none("digest") or "",
        context_tokens=request.number("context_tokens") or 0,
        modalities=frozenset({Modality.TEXT, *map(Modality, modalities)}),
        contained=True,
    )
    return context.device.offer_inference(context.host, facts, patterns=request.flag("patterns"))


def answer(context: Context, request: Request) -> Body:
    """`inference.answer`: what the host says of one call."""
    hosted: HostedInference = context.device.offered_by(context.host)
    hosted.answered(
        request.number("call") or 0,
        text=request.text_or_none("text"),
        end=end_of(
            request.text_or_none("ending"),
            prompt_tokens=request.number("prompt_tokens") or 0,
            answer_tokens=request.number("answer_tokens") or 0,
        ),
        failure=request.text_or_none("failure"),
        tokens=request.number("tokens"),
    )
    return {}


def _place(context: Context, request: Request) -> tuple[ChartId, DocumentId] | None:
    chart, document = request.text_or_none("chart"), request.text_or_none("document")
    if (chart is None) != (document is None):
        raise invalid("ai.run", "`chart` and `document` together", "one of them")
    if chart is None:
        return None
    opened = context.chart(request)
    return opened.chart, document_of(opened, request)


def _options(request: Request) -> Mapping[str, str]:
    options: dict[str, str] = {}
    for one in request.items("options") or []:
        assert isinstance(one, dict), "the table says that it is a record"
        options[str(one["name"])] = str(one["value"])
    return options


def _finish(
    runtime: Runtime,
    place: tuple[ChartId, DocumentId] | None,
    seen: tuple[EntryHash, ...],
    drafted: Drafted,
    *,
    apart: bool,
) -> Body:
    """The body of the stream's end; the draft is recorded first, where it is kept."""
    body: dict[str, Value] = {"draft": carried(drafted_json(drafted, load_ms=0))}
    if place is not None and drafted.sketch.parts:  # nothing to accept is nothing to keep
        body["kept"] = str(runtime.drafts.record(*place, drafted, seen=seen, apart=apart))
    return body
