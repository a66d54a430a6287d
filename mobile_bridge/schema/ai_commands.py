"""The commands of drafting: what hosts ask of models, and what hosts that run a model are asked."""

from __future__ import annotations

from typing import Final

from edge_runtime.ai.engine.port import ANSWER_TOKENS_MAX, Ending, Modality
from edge_runtime.ai.skills.catalogue import SKILLS
from mobile_bridge.errors import ErrorCode
from mobile_bridge.limits import (
    AI_OPTIONS_MAX,
    AI_TEXT_BYTES_MAX,
    INFERENCE_CONTEXT_MAX,
    INFERENCE_NAME_BYTES_MAX,
    INFERENCE_PIECE_BYTES_MAX,
)
from mobile_bridge.schema.command import Command
from mobile_bridge.schema.types import Anything, Bytes, Field, Flag, Listed, Text, Uint, record

AI: Final = 2
"""The minor version that brought drafting."""
_ID: Final = Text(form="[0-9a-f]{32}")
_TEXT: Final = Text()
_WORD: Final = Text(form="[a-z][a-z0-9_-]{0,63}")
_NAME: Final = Text(bytes_max=INFERENCE_NAME_BYTES_MAX)
_SEED_MAX: Final = 2**31 - 1
_CHARTS: Final = (ErrorCode.LOCKED, ErrorCode.STORAGE, ErrorCode.DAMAGED, ErrorCode.NOT_ENROLLED)
_MODELS: Final = (ErrorCode.ENGINE, ErrorCode.MODEL, ErrorCode.LIMIT)
_SKILL_ROW: Final = record(Field("name", _TEXT), Field("title", _TEXT), Field("template", _TEXT), name="skill_row")
_OPTION: Final = record(Field("name", _WORD), Field("value", _NAME), name="option")
_PART: Final = record(
    Field("modality", Text(words=tuple(one.value for one in Modality))),
    Field("text", _TEXT, required=False),
    Field("data", Bytes(), required=False),
    name="prompt_part",
)
_CALL: Final = record(
    Field("call", Uint()),
    Field("op", Text(words=("load", "count", "generate", "cancel", "unload"))),
    Field("parts", Listed(_PART), required=False),
    Field("form", Text(words=("free", "json", "pattern")), required=False),
    Field("schema", _TEXT, required=False),
    Field("pattern", _TEXT, required=False),
    Field("tokens_max", Uint(), required=False),
    Field("seed", Uint(), required=False),
    Field("temperature_milli", Uint(), required=False),
    Field("deadline_ms", Uint(), required=False),
)

AI_COMMANDS: Final = (
    Command(
        op="ai.skills",
        meaning="What can be drafted on this device, and which model would answer now; none: templates and rules.",
        result=record(
            Field("skills", Listed(_SKILL_ROW)),
            Field("why", _TEXT),
            Field("model", _TEXT, required=False),
            Field("engine", _TEXT, required=False),
            Field("demonstration", Flag(), required=False),
            Field("contained", Flag(), required=False),
        ),
        errors=(ErrorCode.LOCKED, ErrorCode.MODEL),
        since=AI,
    ),
    Command(
        op="ai.run",
        meaning="Draft from a text or a document: unchecked pieces as they come, then the whole with its checks.",
        request=record(
            Field("skill", Text(words=tuple(name.value for name in SKILLS))),
            Field("text", Text(bytes_max=AI_TEXT_BYTES_MAX), required=False),
            Field("options", Listed(_OPTION, AI_OPTIONS_MAX), required=False),
            Field("chart", _ID, required=False),
            Field("document", _ID, required=False),
            Field("keep", Flag(), required=False),
            Field("apart", Flag(), required=False),
            Field("without_model", Flag(), required=False),
            Field("adapter", _WORD, required=False),
            Field("seed", Uint(_SEED_MAX), required=False),
            Field("tokens_max", Uint(ANSWER_TOKENS_MAX), required=False),
        ),
        item=record(Field("text", _TEXT)),
        result=record(Field("draft", Anything("docs/ai.md, A draft as JSON")), Field("kept", _TEXT, required=False)),
        errors=(*_CHARTS, *_MODELS, ErrorCode.NOT_FOUND, ErrorCode.NOT_ALLOWED, ErrorCode.INVALID_CHANGE),
        since=AI,
    ),
    Command(
        op="inference.offer",
        meaning="This host runs a model for the home that it has open; each item asks it something.",
        request=record(
            Field("model", _NAME),
            Field("digest", Text(form="[0-9a-f]{64}"), required=False),
            Field("context_tokens", Uint(INFERENCE_CONTEXT_MAX)),
            Field(
                "modalities", Listed(Text(words=tuple(one.value for one in Modality)), len(Modality)), required=False
            ),
            Field("patterns", Flag(), required=False),
        ),
        item=_CALL,
        errors=(ErrorCode.LOCKED, ErrorCode.CONFLICT),
        since=AI,
    ),
    Command(
        op="inference.answer",
        meaning="Say something of one call: pieces of text, a count, that it is done; each call gets one end.",
        request=record(
            Field("call", Uint()),
            Field("text", Text(bytes_max=INFERENCE_PIECE_BYTES_MAX), required=False),
            Field("tokens", Uint(INFERENCE_CONTEXT_MAX), required=False),
            Field("ending", Text(words=tuple(one.value for one in Ending)), required=False),
            Field("failure", _WORD, required=False),
            Field("prompt_tokens", Uint(INFERENCE_CONTEXT_MAX), required=False),
            Field("answer_tokens", Uint(INFERENCE_CONTEXT_MAX), required=False),
        ),
        errors=(ErrorCode.LOCKED, ErrorCode.NOT_FOUND),
        since=AI,
    ),
)
