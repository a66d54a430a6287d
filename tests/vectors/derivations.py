"""Vectors for everything that is derived from ids: sessions, charts, streams, frontiers, Docs, clients."""

from __future__ import annotations

from typing import Any

from edge_runtime.clinical.reviews import ReviewKind, review_id
from edge_runtime.keyring import frontier_digest
from edge_runtime.sections import text_doc_id
from edge_runtime.text.draft import client_id
from edge_runtime.text.start import opening, started_doc_id
from sync_protocol.certificates import Session
from sync_protocol.control import LEDGER_DOCUMENT, audit_stream, chart_id, content_stream, control_stream, ledger_id
from sync_protocol.entries import seal_leaf
from sync_protocol.ids import DocumentId, EntryHash, StreamId
from sync_protocol.roles import Compartment
from tests.vectors.cast import NURSE_NAME, draw

CREATORS = (bytes(NURSE_NAME), bytes(32), b"\xff" * 32)
CHART = chart_id(NURSE_NAME, draw("chart", 16))
DOCUMENT = DocumentId(draw("document", 16))


def make() -> dict[str, Any]:
    """Inputs and what follows from them."""
    nonce = draw("chart", 16)
    session = Session(certificate=NURSE_NAME, nonce=draw("session", 16), started_ms=0).session
    heads = [EntryHash(draw(f"head {number}")) for number in range(3)]
    doc = text_doc_id(DOCUMENT, Compartment.CLINICAL, "plan")
    stream = StreamId(draw("stream", 16))
    return {
        "about": "SHA-256 over label and inputs; ids are the first 16 bytes. Compartments are one byte, 1 to 4. A "
        "ledger is the chart of a certificate and 16 zero bytes, its document 16 zero bytes. A leaf "
        "is RFC 6962's leaf hash over label and the CBOR array [stream, seq, entry]; a frontier is hashed as the CBOR "
        "array of its heads in ascending order. A client id is the first 53 bits. Sections and subjects are UTF-8. "
        "The update of a started Doc is what every device makes of the start's text.",
        "sessions": [{"certificate": NURSE_NAME.hex(), "nonce": draw("session", 16).hex(), "session": session.hex()}],
        "charts": [
            {
                "creator": creator.hex(),
                "nonce": nonce.hex(),
                "chart": chart.hex(),
                "control": control_stream(chart).hex(),
            }
            for creator in CREATORS
            for chart in (chart_id(type(NURSE_NAME)(creator), nonce),)
        ],
        "streams": [
            {
                "chart": CHART.hex(),
                "document": DOCUMENT.hex(),
                "compartment": int(compartment),
                "stream": content_stream(CHART, DOCUMENT, compartment).hex(),
            }
            for compartment in Compartment
        ],
        "ledgers": [
            {"creator": creator.hex(), "chart": chart.hex(), "stream": audit_stream(chart, LEDGER_DOCUMENT).hex()}
            for creator in CREATORS
            for chart in (ledger_id(type(NURSE_NAME)(creator)),)
        ],
        "seal_leaves": [
            {
                "stream": stream.hex(),
                "seq": seq,
                "entry": heads[0].hex(),
                "leaf": seal_leaf(stream, seq, heads[0]).hex(),
            }
            for seq in (0, 23, 24, 2**40 - 1)
        ],
        "frontiers": [
            {"heads": [head.hex() for head in some], "digest": frontier_digest(some).hex()}
            for some in ([], heads[:1], heads, heads[::-1])
        ],
        "docs": [
            {
                "document": DOCUMENT.hex(),
                "compartment": int(Compartment.CLINICAL),
                "section": "plan",
                "doc": doc.hex(),
                "session": session.hex(),
                "client": str(client_id(session, doc)),
            }
        ],
        "started_docs": [
            {
                "first": doc.hex(),
                "entry": heads[0].hex(),
                "index": index,
                "doc": name.hex(),
                "client": str(client_id(session, name)),
                "text": text,
                "update": opening(client_id(session, name), text).hex(),
            }
            for index, text in ((0, ""), (1, "Dose 250 mg\n"), (255, "Ärztin 😀"))
            for name in (started_doc_id(doc, heads[0], index),)
        ],
        "reviews": [
            {
                "document": DOCUMENT.hex(),
                "kind": kind.value,
                "subject": subject,
                "review": review_id(DOCUMENT, kind, subject).hex(),
            }
            for kind, subject in zip(ReviewKind, ("", "Ärztin", "x" * 40), strict=False)
        ],
    }
