"""What a handler works with. It runs in the bridge's thread and has the turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from edge_runtime.audit.showing import open_to_show
from edge_runtime.audit.shown import Shown
from edge_runtime.opened import OpenChart
from edge_runtime.runtime import Runtime
from mobile_bridge.connection import Connection
from mobile_bridge.device import Device
from mobile_bridge.errors import BridgeError, ErrorCode
from mobile_bridge.request import Request
from mobile_bridge.sources import Body, Source
from sync_protocol.ids import ChartId, DocumentId


@dataclass(frozen=True, slots=True)
class Context:
    """The device, and the host that asks."""

    device: Device
    host: Connection

    @property
    def runtime(self) -> Runtime:
        """The Runtime.

        Raises:
            BridgeError: LOCKED: this host has no home open.
        """
        return self.device.runtime(self.host)

    def chart(self, request: Request) -> OpenChart:
        """The chart that a request names; nothing of it is shown.

        Raises:
            RefusedError: it is not on this device.
        """
        return self.runtime.charts.open(ChartId.parse(request.text("chart")))

    def shown(self, request: Request, part: Callable[[OpenChart], Shown]) -> OpenChart:
        """The chart that a request names, of which `part` is about to be shown; that is recorded.

        Raises:
            RefusedError: it is not on this device, or this device may read nothing of it.
            StoreError: it cannot be recorded.
        """
        runtime = self.runtime
        return open_to_show(runtime.charts, runtime.auditor, ChartId.parse(request.text("chart")), part=part)


def document_of(opened: OpenChart, request: Request) -> DocumentId:
    """The document that a request names.

    Raises:
        BridgeError: NOT_FOUND: the chart has no such document.
    """
    document = DocumentId.parse(request.text("document"))
    if document not in opened.documents:
        raise BridgeError(
            ErrorCode.NOT_FOUND,
            expected="a document of the chart",
            got=f"document {document.short}",
            do="open the chart again, or sync",
        )
    return document


Handler: TypeAlias = Callable[[Context, Request], Body | Source]
