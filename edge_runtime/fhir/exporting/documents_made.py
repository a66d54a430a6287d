"""The mappers of what belongs to a document (plans, orders, specimens, reports, steps, notes) and of consents."""

from __future__ import annotations

from typing import Final

from edge_runtime.fhir.exporting.consents import consents
from edge_runtime.fhir.exporting.imported_reports import imported_compositions, imported_reports
from edge_runtime.fhir.exporting.laboratory import diagnostic_reports, specimens
from edge_runtime.fhir.exporting.notes import compositions
from edge_runtime.fhir.exporting.orders import care_plans, service_requests
from edge_runtime.fhir.exporting.scene import Mapper
from edge_runtime.fhir.exporting.steps import tasks

MAPPERS: Final[tuple[Mapper, ...]] = (
    care_plans,
    service_requests,
    specimens,
    diagnostic_reports,
    imported_reports,
    tasks,
    compositions,
    imported_compositions,
    consents,
)
