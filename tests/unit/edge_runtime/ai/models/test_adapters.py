"""Adapters: signed by somebody trusted, whole, for this very base model; every other one is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from edge_runtime.ai.errors import ModelError
from edge_runtime.ai.models import adapter_shelf, signers
from edge_runtime.ai.models.adapter_registrar import AdapterRegistrar
from edge_runtime.ai.models.adapter_shelf import adapters_on, check_adapter
from edge_runtime.ai.models.adapters import (
    MAGIC,
    Adapter,
    check_member,
    claimed_signer,
    open_adapter,
    read_adapter_file,
    sign_adapter,
)
from edge_runtime.ai.models.journal import Action, read_journal
from edge_runtime.ai.models.opening import usable_adapters
from edge_runtime.ai.models.signers import Signer, parse_key, read_signers, write_signers
from edge_runtime.errors import InputError, RefusedError
from sync_protocol.ids import CertificateHash, Hash
from sync_protocol.labels import Label
from sync_protocol.note_file import NoteTrailer
from sync_protocol.records import pack
from sync_protocol.roles import Role
from sync_protocol.signed import sign, sign_hybrid
from sync_protocol.signing import HybridSigningKey, SigningKey, VerifyKey
from tests.unit.edge_runtime.ai.models.made import NOW_MS, OTHER, manifest_of

KEY = SigningKey(bytes(range(32)))
STRANGER = SigningKey(bytes(range(1, 33)))
LORA = b"low rank" * 1000
TRUSTED = Signer(key=KEY.public, organisation="", role="", since_ms=NOW_MS)
BASE = manifest_of().sha256


def record(data: bytes = LORA, signer: SigningKey = KEY, **changes: object) -> Adapter:
    """What is signed."""
    found = Adapter(
        name="heart",
        title="Herz und Kreislauf",
        specialty="cardiology",
        base=Hash(bytes.fromhex(BASE)),
        file=Hash.of(data),
        size=len(data),
        rank=16,
        licence="Apache-2.0",
        signer=signer.public,
        signed_ms=NOW_MS,
    )
    return replace(found, **changes)  # type: ignore[arg-type] # a test names fields that are there


def file_of(data: bytes = LORA, signer: SigningKey = KEY, **changes: object) -> bytes:
    """A signed file."""
    return sign_adapter(record(data, signer, **changes), data, signer)


@pytest.fixture
def shelf(device):
    """A registrar of adapters, over a device with one model."""
    device.take()
    return AdapterRegistrar(device.folder, device.registrar)


def nobody(_):
    """Nobody is vouched for."""
    raise AssertionError("asked, though the signer is trusted")


def take(shelf, device, data: bytes, vouch=lambda _: TRUSTED):
    """Take a file in."""
    return shelf.take(read_adapter_file(data), device.folder.entries(), vouch)


def refused(code: str, action, *arguments) -> ModelError:
    """The error of that code that an action ends with."""
    with pytest.raises(ModelError) as error:
        action(*arguments)
    assert error.value.code == code
    return error.value


def test_a_signed_adapter_comes_and_may_be_loaded(shelf, device):
    """Its signer is remembered, the next one of theirs needs nobody's word; the journal has both."""
    entry, taken = take(shelf, device, file_of())
    assert entry.name == "made"
    assert taken.path.read_bytes() == LORA
    take(shelf, device, file_of(LORA * 2, name="lung"), nobody)
    usable, left_out = usable_adapters(device.folder, device.entry())
    assert (sorted(usable), left_out) == (["heart", "lung"], {})
    assert usable["heart"].read_bytes() == LORA
    changes = read_journal(device.folder.journal).changes
    assert [one.action for one in changes] == [Action.IMPORTED, Action.ADAPTER_IMPORTED, Action.ADAPTER_IMPORTED]
    assert (changes[1].present.adapter, changes[1].present.accepted) == ("heart", False)
    take(shelf, device, file_of(), nobody)
    assert len(adapters_on(device.folder.shelf("made"))) == 2


def test_an_unsigned_file_is_nothing(device):
    """A bare adapter, or any other file, is refused as unsigned."""
    for data in (LORA, b"", b"fieldward adapter 2\n" + file_of()[len(MAGIC) :], file_of()[1:]):
        refused("adapter_unsigned", read_adapter_file, data)
    assert read_signers(device.folder.signers) == ()
    assert adapters_on(device.folder.shelf("made")) == ()


def test_a_cut_file_is_malformed():
    """Every length that is shorter than the signed record is refused."""
    whole = file_of()
    for size in range(len(MAGIC), len(whole) - len(LORA)):
        refused("adapter_malformed", read_adapter_file, whole[:size])
    refused("adapter_malformed", read_adapter_file, MAGIC + bytes(4) + b"x")
    refused("adapter_malformed", read_adapter_file, MAGIC + b"\xff\xff\xff\xff" + b"x")


def test_a_record_of_another_form_is_malformed():
    """What is well signed and no adapter's record is refused."""
    wire = sign(NoteTrailer(file=Hash.of(b"")), KEY, Label.ADAPTER).wire
    parsed = read_adapter_file(MAGIC + len(wire).to_bytes(4) + wire)
    refused("adapter_malformed", claimed_signer, parsed.signed)


def test_somebody_else_s_signature_is_refused(shelf, device):
    """Nobody vouches for a stranger; the file leaves nothing behind, and the stranger is not trusted."""

    def vouch(claimed):
        raise ModelError("adapter_signer", expected="a", got=claimed.signer.short, do="c")

    refused("adapter_signer", take, shelf, device, file_of(signer=STRANGER), vouch)
    assert adapters_on(device.folder.shelf("made")) == ()
    assert read_signers(device.folder.signers) == ()


def test_whoever_is_vouched_for_must_have_signed(shelf, device):
    """A word for one key does not let another's adapter in."""
    refused("adapter_signer", take, shelf, device, file_of(signer=STRANGER), lambda _: TRUSTED)
    assert read_signers(device.folder.signers) == ()


def test_a_forged_signature_is_refused(shelf, device):
    """A record that claims a trusted key and was signed by another, or under another label, or was changed."""
    mine = record()
    for wire in (
        sign(mine, STRANGER, Label.ADAPTER).wire,
        sign(mine, KEY, Label.NOTE).wire,
        sign(mine, KEY, Label.ADAPTER).wire.replace(b"heart", b"lungs"),
        sign_hybrid(mine, HybridSigningKey(bytes(64)), Label.ADAPTER).wire,
    ):
        refused("adapter_forged", take, shelf, device, MAGIC + len(wire).to_bytes(4) + wire + LORA)
    assert read_signers(device.folder.signers) == ()


def test_a_record_must_name_the_key_that_signed_it():
    """A record with somebody else's key in it is refused, though the signature holds."""
    wire = sign(record(signer=STRANGER), KEY, Label.ADAPTER)
    parsed = read_adapter_file(MAGIC + len(wire.wire).to_bytes(4) + wire.wire)
    refused("adapter_malformed", open_adapter, parsed.signed, KEY.public)


@pytest.mark.parametrize("data", [LORA[:-1], LORA + b"x", b"", LORA[:-1] + b"X"])
def test_a_damaged_adapter_is_refused(shelf, device, data):
    """Other bytes than were signed are not taken; nor is their signer remembered for it."""
    wire = file_of()[: -len(LORA)]
    refused("adapter_damaged", take, shelf, device, wire + data)
    assert adapters_on(device.folder.shelf("made")) == ()


def test_an_adapter_for_another_base_is_refused(shelf, device):
    """The engine would ignore it without a word; so it is refused, here and at each load."""
    refused("adapter_base", take, shelf, device, file_of(base=Hash(bytes(32))))
    _, taken = take(shelf, device, file_of())
    refused("adapter_base", lambda: check_adapter(taken, [TRUSTED], base="00" * 32))


def test_an_adapter_of_a_removed_model_goes_with_it(shelf, device):
    """Adapters go with their model; of another model under the same name they are none."""
    take(shelf, device, file_of())
    device.registrar.remove("made")
    device.take(OTHER)
    assert adapters_on(device.folder.shelf("made")) == ()


def test_what_happened_on_the_shelf_is_seen_before_a_load(shelf, device):
    """Changed bytes, a missing file, a changed record: left out with the reason, and the model still answers."""
    _, taken = take(shelf, device, file_of())
    for spoil, code in (
        (lambda: taken.path.write_bytes(LORA + b"x"), "adapter_damaged"),
        (taken.path.unlink, "adapter_damaged"),
    ):
        spoil()
        assert usable_adapters(device.folder, device.entry()) == ({}, {"heart": code})
    signed = taken.path.with_name("signed.cbor")
    signed.write_bytes(signed.read_bytes().replace(b"cardiology", b"oncologies"))
    assert usable_adapters(device.folder, device.entry()) == ({}, {"heart": "adapter_forged"})
    signed.write_bytes(b"junk")
    assert usable_adapters(device.folder, device.entry()) == ({}, {})
    take(shelf, device, file_of(), nobody)
    assert "heart" in usable_adapters(device.folder, device.entry())[0]


def test_a_signer_who_is_trusted_no_more_takes_the_adapters_along(shelf, device):
    """Their adapters stay on the shelf and load no more, until the signer is trusted again."""
    take(shelf, device, file_of())
    shelf.distrust(KEY.public)
    assert usable_adapters(device.folder, device.entry()) == ({}, {"heart": "adapter_signer"})
    refused("signer_unknown", shelf.distrust, KEY.public)
    take(shelf, device, file_of())
    assert "heart" in usable_adapters(device.folder, device.entry())[0]


def test_a_name_belongs_to_one_adapter(shelf, device):
    """Another adapter under a taken name is refused; after a removal it is free."""
    take(shelf, device, file_of())
    refused("adapter_exists", take, shelf, device, file_of(LORA * 2))
    shelf.drop("made", "heart")
    take(shelf, device, file_of(LORA * 2))
    for name in ("lung", "../made", ""):
        refused("adapter_unknown", shelf.drop, "made", name)


def test_a_shelf_is_bounded(shelf, device, monkeypatch):
    """So many adapters beside a model, and no more."""
    monkeypatch.setattr(adapter_shelf, "ADAPTERS_MAX", 1)
    take(shelf, device, file_of())
    refused("adapters_full", take, shelf, device, file_of(name="lung"))


def test_a_model_in_use_keeps_its_adapters(shelf, device):
    """Nothing is put on or taken off while the model is loaded."""
    take(shelf, device, file_of())
    with device.folder.using("made"):
        for action in (lambda: take(shelf, device, file_of(name="lung")), lambda: shelf.drop("made", "heart")):
            with pytest.raises(RefusedError) as error:
                action()
            assert error.value.code == "model_in_use"


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "../evil"},
        {"name": ""},
        {"rank": 0},
        {"specialty": ""},
        {"specialty": "x\ny"},
        {"licence": "\x1b[1m"},
        {"title": "a\x07"},
    ],
)
def test_a_record_says_only_what_may_be_shown(changes):
    """Names without paths, words that a terminal can show; neither signed nor believed otherwise."""
    with pytest.raises(ModelError) as error:
        file_of(**changes)
    assert error.value.code == "adapter_malformed"
    signed = sign(record(**changes), KEY, Label.ADAPTER).wire
    parsed = read_adapter_file(MAGIC + len(signed).to_bytes(4) + signed + LORA)
    refused("adapter_malformed", open_adapter, parsed.signed, KEY.public)


def test_only_what_is_there_is_signed():
    """A record of other bytes, or for another key, is not signed."""
    for wrong in (record(LORA + b"x"), record(signer=STRANGER)):
        refused("adapter_malformed", sign_adapter, wrong, LORA, KEY)


def test_who_may_sign_for_the_organisation():
    """Administrators and clinical administrators who stand, by their own key; nobody else."""
    others: list[list[Role]] = [[role] for role in Role if role not in {Role.ADMIN, Role.CLINICAL_ADMIN}]
    roles: list[Role]
    for roles in ([Role.ADMIN], [Role.CLINICAL_ADMIN], [Role.ADMIN, Role.CLINICAL_ADMIN]):
        check_member(record(), KEY.public, roles, standing=True)
    for roles in (*others, [Role.ADMIN, Role.NURSE], []):
        with pytest.raises(ModelError) as error:
            check_member(record(), KEY.public, roles, standing=True)
        assert error.value.code == "adapter_signer"
    for key, standing in ((KEY.public, False), (STRANGER.public, True)):
        with pytest.raises(ModelError) as error:
            check_member(record(), key, [Role.ADMIN], standing=standing)
        assert error.value.code == "adapter_signer"


def test_the_file_of_signers_is_read_strictly(tmp_path):
    """A damaged file trusts nobody and says so; none is nobody."""
    path = tmp_path / "signers.json"
    assert read_signers(path) == ()
    vouched = Signer(key=STRANGER.public, organisation="ab" * 32, role="admin", since_ms=1)
    write_signers(path, (TRUSTED, vouched))
    assert read_signers(path) == (TRUSTED, vouched)
    good = json.loads(path.read_text())
    weak = good | {"signers": [good["signers"][0] | {"key": "01" + "00" * 31}]}
    for text in ("{}", json.dumps(good | {"more": 1}), json.dumps(weak)):
        path.write_text(text)
        refused("signers_damaged", read_signers, path)
    path.unlink()
    path.mkdir()
    refused("signers_damaged", read_signers, path)


def test_signers_are_bounded(tmp_path, monkeypatch):
    """A list that nobody reads any more is not trust."""
    monkeypatch.setattr(signers, "SIGNERS_MAX", 1)
    with pytest.raises(InputError) as error:
        write_signers(tmp_path / "s", (TRUSTED, TRUSTED))
    assert error.value.code == "signers_full"


def test_a_disk_that_does_not_take_the_signers_is_explained(shelf, device, monkeypatch):
    """The trust is kept or the adapter does not load."""
    monkeypatch.setattr(
        "edge_runtime.ai.models.signers.replace_file",
        lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")),
    )
    refused("models_unusable", take, shelf, device, file_of())
    monkeypatch.undo()
    assert usable_adapters(device.folder, device.entry()) == ({}, {"heart": "adapter_signer"})


def test_a_key_is_typed_by_people():
    """64 hexadecimal digits of a key that an honest device makes."""
    assert parse_key(KEY.public.hex()) == KEY.public
    for wrong in ("", "zz" * 32, KEY.public.hex()[:-2], "01" + "00" * 31, "ü"):
        with pytest.raises(InputError):
            parse_key(wrong)


def test_the_record_names_its_signer_s_certificate():
    """A member's record carries the name of their principal; it is covered by the signature."""
    name = CertificateHash(bytes(32))
    parsed = read_adapter_file(file_of(certificate=name))
    assert open_adapter(parsed.signed, KEY.public).value.certificate == name
    assert isinstance(claimed_signer(parsed.signed).signer, VerifyKey)
    assert len(pack(record())) < 1000


@pytest.mark.parametrize("action", ["take", "drop"])
def test_a_shelf_that_cannot_be_written_says_so(shelf, device, monkeypatch, action):
    """The file system's refusal is explained; what was on the shelf stays."""
    take(shelf, device, file_of())

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edge_runtime.ai.models.adapter_shelf.sync_folder", full)
    if action == "take":
        refused("models_unusable", take, shelf, device, file_of(name="lung"))
    else:
        refused("models_unusable", shelf.drop, "made", "heart")
