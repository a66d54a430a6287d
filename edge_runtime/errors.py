"""The errors of the device. Each says what was expected, what came and what to do; none holds patient data."""

from __future__ import annotations

from sync_protocol.errors import ExplainedError


class EdgeError(ExplainedError):
    """Base of the room."""


class InputError(EdgeError):
    """What a person or a host app handed in is wrong; nothing was changed."""


class VaultError(EdgeError):
    """The vault does not open: wrong passphrase, or damaged."""


class StoreError(EdgeError):
    """The device's store is damaged, full, or in use by another process."""


class RefusedError(EdgeError):
    """A well-formed request that this device or user may not do, or not now."""


class RemoteError(EdgeError):
    """The relay cannot be reached, refuses, or is not the organisation's."""
