"""Homes of enrolled devices, as enrolment leaves them, without a relay: a made-up organisation certifies them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.facts import Fact
from edge_runtime.identity import RELAY_ADDRESS, DeviceKeys, enrol, new_session
from edge_runtime.runtime import open_home
from edge_runtime.vault.passphrase import Cost
from sync_protocol.control import LEDGER_DOCUMENT, audit_stream, control_stream
from tests.support.people import Device

PASSPHRASE: Final = "correct horse battery staple"
CHEAP: Final = Cost(memory_kib=32, passes=1, lanes=1)
"""Opening goes by what the vault says, so a test's vault opens at once."""
PATIENT: Final = "Ana Lima"
ALLERGY: Final = "Penicillin"
NOTE: Final = "Cough since Tuesday; chest is clear. Kärlek."


def make_home(folder: Path, device: Device | None, *, relay: str | None = None) -> None:
    """Make a home: of an enrolled device, or of none."""
    with open_home(folder, PASSPHRASE, make=True, cost=CHEAP) as runtime:
        if device is None:
            return
        organisation = device.organisation
        keys = DeviceKeys(signer=device.signer, wrap=device.wrap_key, administrator=None)
        session = new_session(keys, device.certificate, now_ms=organisation.clock(), entropy=organisation.entropy)
        with runtime.store.writing() as writer:
            for certificate in organisation.certificates:
                writer.put_certificate(certificate)
            keys.save(writer)
            enrol(writer, root=organisation.root, chain=device.chain, session=session)
            if relay is not None:
                writer.put_value(RELAY_ADDRESS, relay.encode())


def make_chart(folder: Path, *, share_with: Device | None = None) -> tuple[str, str, str]:
    """Make a chart with an allergy and an encounter with a text.

    Returns:
        The ids of the chart, its chart document, and the encounter.
    """
    with open_home(folder, PASSPHRASE) as runtime:
        charts = runtime.charts
        facts = [
            Fact(kind="identity", payload={"name": PATIENT}, supersedes=()),
            Fact(kind="allergy", payload={"text": ALLERGY, "severity": "severe"}, supersedes=()),
        ]
        chart, (chart_document, encounter) = charts.create(facts, workflow=WorkflowType.ENCOUNTER)
        charts.edit_text(chart, encounter, "subjective", NOTE)
        if share_with is not None:
            charts.share(chart, str(share_with.certificate.value.device))
    return str(chart), str(chart_document), str(encounter)


def size_of(folder: Path) -> int:
    """How many entries a home's store holds besides those of ledgers; the home must be closed."""
    with open_home(folder, PASSPHRASE) as runtime:
        ledgers = runtime.keyring.ledgers()
        quiet = {control_stream(ledger) for ledger in ledgers} | {audit_stream(one, LEDGER_DOCUMENT) for one in ledgers}
        return sum(
            arrived.entry.header.stream not in quiet for arrived in runtime.store.arrivals(after=0, limit=1 << 20)
        )


def patient_words() -> tuple[str, ...]:
    """Words that may stand in results alone: never in an event, an error or the log."""
    return PATIENT, ALLERGY, NOTE, *NOTE.split()[:2], "Kärlek"
