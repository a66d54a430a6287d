"""An organisation file is believed as far as its root is, and names an administrator whom the root certified."""

from __future__ import annotations

import pytest

from sync_protocol.errors import ForgedError, MalformedError, UntrustedError
from sync_protocol.ids import RootHash
from sync_protocol.organisation_file import make_organisation_file, open_organisation_file
from sync_protocol.roles import Role
from tests.support.people import Device, Organisation

ONE, OTHER = Organisation.make(1), Organisation.make(2)
FILE = make_organisation_file(ONE.root, ONE.admin.certificate)


def test_root_and_administrator_come_out():
    """With the hash that came out of band, or without where none came."""
    for expected in (None, RootHash(ONE.root.hash)):
        root, administrator = open_organisation_file(FILE, expected=expected)
        assert (root.hash, administrator.hash) == (ONE.root.hash, ONE.admin.certificate.hash)


def test_another_root_is_refused():
    """Whatever it says."""
    with pytest.raises(UntrustedError):
        open_organisation_file(FILE, expected=RootHash(OTHER.root.hash))


def test_only_an_administrator_of_the_root_stands_in_it():
    """Neither another organisation's nor somebody whom an administrator enrolled nor a nurse."""
    nurse = Device(ONE, Role.NURSE, issuer=ONE.root.hash, issuer_key=ONE.root_key)
    second = ONE.device(Role.ADMIN)
    for certificate in (OTHER.admin.certificate, second.certificate, nurse.certificate):
        with pytest.raises(UntrustedError):
            open_organisation_file(make_organisation_file(ONE.root, certificate), expected=None)


@pytest.mark.parametrize("data", [b"", FILE[:-1], FILE + b"\0"])
def test_other_bytes_are_no_organisation_file(data: bytes):
    """Cut off, or with something after it."""
    with pytest.raises(MalformedError):
        open_organisation_file(data, expected=None)


def test_a_forged_file_is_refused():
    """Whichever signature does not hold."""
    with pytest.raises((ForgedError, MalformedError)):
        open_organisation_file(FILE[:-1] + bytes([FILE[-1] ^ 1]), expected=None)
