"""The errors of the room: an engine, a model or a request that will not do. None holds a patient's words."""

from __future__ import annotations

from edge_runtime.errors import EdgeError, RefusedError


class EngineError(EdgeError):
    """The engine failed, ended or took too long: the draft is lost, and nothing else."""


class ModelError(EdgeError):
    """A model's files are missing, damaged, or not for this engine or device."""


class BudgetError(RefusedError):
    """More than the model's context, the device's memory, or the queue holds; nothing was begun."""
