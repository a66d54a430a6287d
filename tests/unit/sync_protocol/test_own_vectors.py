"""The project's own vectors: the files are current, and this implementation agrees with every case in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sync_protocol import errors
from sync_protocol.checkpoints import NoteKey, NoteVerifyKey, open_checkpoint
from sync_protocol.cosignatures import cosigned_message, parse_verifier
from sync_protocol.encoding import decode, encode
from sync_protocol.ids import ChartId, Hash
from sync_protocol.key_wrap import WrapPrivateKey
from sync_protocol.labels import Label
from sync_protocol.merkle import leaf_hash, root
from sync_protocol.notes import open_note
from sync_protocol.records import pack
from sync_protocol.sealing import ContentKey, padme, seal, sealed_size
from sync_protocol.signing import HybridSigningKey, SigningKey
from sync_protocol.tiles import encode_bundle
from tests.vectors import blobs, commitment, generate, hybrid, key_wrap, merkle, published_log, sealing, signing
from tests.vectors.forms import from_json, to_json


def load(name: str) -> dict[str, Any]:
    """A file of vectors as it lies there."""
    content: dict[str, Any] = json.loads((generate.HERE / name).read_text(encoding="utf-8"))
    return content


def cases(name: str, *keys: str, part: str | None = None) -> list[Any]:
    """One list of cases, each named in the test's report; of one part of the file, where it has parts."""
    content = load(name) if part is None else load(name)[part]
    return [pytest.param(case, id=case.get("name")) for key in keys for case in content[key]]


def agrees(case: dict[str, Any], check: Callable[[dict[str, Any]], object]) -> Any:
    """Run a case: refused by the class that it names, accepted if it names none."""
    if "error" not in case:
        return check(case)
    with pytest.raises(getattr(errors, case["error"])) as caught:
        check(case)
    assert type(caught.value).__name__ == case["error"]
    return None


def test_the_files_are_current(capsys: pytest.CaptureFixture[str]):
    """Generating again changes nothing; a difference would mean that bytes on the wire changed."""
    assert generate.main(["--check"]) == 0, capsys.readouterr().out


def test_a_stale_file_is_named_and_then_written(tmp_path, monkeypatch, capsys):
    """`--check` fails and names what is missing; without it the file is written, and then it is current."""
    monkeypatch.setattr(generate, "HERE", tmp_path)
    monkeypatch.setattr(generate, "FILES", {"padme.json": generate.FILES["padme.json"]})
    assert generate.main(["--check"]) == 1
    assert "padme.json is not current" in capsys.readouterr().out
    assert generate.main([]) == 0
    assert "wrote" in capsys.readouterr().out
    assert generate.main(["--check"]) == 0


def test_every_file_of_vectors_is_in_the_table():
    """No JSON lies there that nobody generates, but for what randomness made once."""
    assert {path.name for path in generate.HERE.glob("*.json")} == {*generate.FILES, "recorded.json"}


@pytest.mark.parametrize("name", sorted(generate.FILES))
def test_every_file_says_what_it_is_about(name: str):
    """A reader of the file alone knows what the bytes are, and every refusal names its error."""
    content = load(name)
    assert content["about"]
    assert all("error" in case for case in content.get("refused", []))


@pytest.mark.parametrize("case", cases("ids.json", "ids"))
def test_ids(case: dict[str, Any]):
    """The text reads as these bytes, or is refused."""
    value = agrees(case, lambda case: ChartId.parse(case["text"]))
    assert value is None or bytes(value).hex() == case["bytes"]


@pytest.mark.parametrize("case", cases("ids.json", "hashes"))
def test_hashes(case: dict[str, Any]):
    """The data has this hash."""
    assert Hash.of(bytes.fromhex(case["data"])).hex() == case["hash"]


@pytest.mark.parametrize("case", cases("encoding.json", "accepted"))
def test_encoding_both_ways(case: dict[str, Any]):
    """The value has these bytes, and the bytes this value."""
    assert encode(from_json(case["value"])).hex() == case["bytes"]
    assert to_json(decode(bytes.fromhex(case["bytes"]))) == case["value"]


@pytest.mark.parametrize("case", cases("encoding.json", "refused"))
def test_encoding_refusals(case: dict[str, Any]):
    """These bytes are refused."""
    agrees(case, lambda case: decode(bytes.fromhex(case["bytes"])))


@pytest.mark.parametrize("case", cases("signing.json", "accepted", "refused"))
def test_signatures(case: dict[str, Any]):
    """The signature holds, or is refused; what holds is what the seed signs."""
    agrees(case, signing.check)
    content = load("signing.json")
    signer = SigningKey(bytes.fromhex(content["seed"]))
    assert signer.public.hex() == content["public"]
    if "error" not in case:
        label = Label(bytes.fromhex(case["label"]))
        assert signer.sign(label, bytes.fromhex(case["message"])).hex() == case["signature"]


@pytest.mark.parametrize("case", cases("hybrid.json", "accepted", "refused"))
def test_hybrid_signatures(case: dict[str, Any]):
    """The recorded signature holds under the seeds' public key, its changed forms do not."""
    content = load("hybrid.json")
    assert pack(HybridSigningKey(bytes.fromhex(content["seeds"])).public).hex() == content["public"]
    agrees(case, lambda case: hybrid.check(content["public"], case))


@pytest.mark.parametrize("case", cases("padme.json", "lengths"))
def test_padded_lengths(case: dict[str, Any]):
    """The length is padded to this, and sealed to that."""
    assert padme(case["length"]) == case["padme"]
    assert sealed_size(case["length"]) == case["sealed"]


@pytest.mark.parametrize("case", cases("blobs.json", "accepted", "refused"))
def test_blobs(case: dict[str, Any]):
    """Files become these chunks, manifests and ids; what does not fit is refused by kind."""
    if "error" in case:
        agrees(case, blobs.check)
    else:
        assert blobs.made(case["name"], blobs.FILES[case["name"]]) == case


@pytest.mark.parametrize("case", cases("sealing.json", "accepted", "refused"))
def test_sealed_bodies(case: dict[str, Any]):
    """The body opens to this plaintext and is what sealing it gives, or is refused."""
    plaintext = agrees(case, sealing.check)
    if plaintext is not None:
        body = bytes.fromhex(case["body"])
        key, aad = ContentKey(bytes.fromhex(case["key"])), bytes.fromhex(case["aad"])
        assert plaintext.hex() == case["plaintext"]
        assert seal(key, plaintext, nonce=body[:24], aad=aad) == body


@pytest.mark.parametrize("case", cases("commitment.json", "accepted", "refused"))
def test_commitments(case: dict[str, Any]):
    """The commitment is to these four, or is refused."""
    agrees(case, commitment.check)
    assert (commitment.commitment_of(case).hex() == case["commitment"]) is ("error" not in case)


@pytest.mark.parametrize("case", cases("key_wrap.json", "accepted", "refused"))
def test_wraps(case: dict[str, Any]):
    """The recorded wrap opens to this key, or is refused."""
    content = load("key_wrap.json")
    assert WrapPrivateKey(bytes.fromhex(content["seed"])).public.hex() == content["public"]
    key = agrees(case, key_wrap.check)
    assert key is None or key.hex() == case["key"]


def test_merkle_roots():
    """The leaves have these hashes, and these roots at every size."""
    content = load("merkle.json")
    hashes = [leaf_hash(bytes.fromhex(leaf["data"])) for leaf in content["leaves"]]
    assert [item.hex() for item in hashes] == [leaf["hash"] for leaf in content["leaves"]]
    assert [root(hashes[:size]).hex() for size in range(len(hashes) + 1)] == content["roots"]


@pytest.mark.parametrize("case", cases("merkle.json", "accepted", "refused"))
def test_merkle_paths(case: dict[str, Any]):
    """The path leads to the root, or is refused."""
    agrees(case, merkle.check)


@pytest.mark.parametrize("case", cases("note.json", "accepted", "refused"))
def test_notes(case: dict[str, Any]):
    """The note opens to this checkpoint, or is refused."""
    content = load("note.json")
    key = NoteVerifyKey.parse(content["key"])
    assert NoteKey(key.name, SigningKey(bytes.fromhex(content["seed"]))).public == key
    data = bytes.fromhex(case["note"]) if "error" in case else case["note"].encode()
    point = agrees(case, lambda _: open_checkpoint(data, key))
    if point is not None:
        assert (point.origin, point.size, point.root.hex()) == (case["origin"], case["size"], case["root"])


@pytest.mark.parametrize("case", cases("published_log.json", "accepted", "refused", part="consistency"))
def test_consistency_proofs(case: dict[str, Any]):
    """The proof holds between these sizes and roots, or is refused."""
    agrees(case, published_log.check_consistency)


@pytest.mark.parametrize("case", cases("published_log.json", "accepted", "refused", part="paths"))
def test_paths_of_tiles(case: dict[str, Any]):
    """The path names this tile or bundle and no other form does, or it is refused."""
    found = agrees(case, published_log.check_path)
    if found is not None:
        assert (found.path, found.number, found.width) == (case["path"], case["number"], case["width"])
        assert getattr(found, "level", None) == case.get("level")


@pytest.mark.parametrize("case", cases("published_log.json", "accepted", "refused", part="bundles"))
def test_bundles(case: dict[str, Any]):
    """The bundle has these entries, or is refused."""
    found = agrees(case, published_log.check_bundle)
    if found is not None:
        assert [entry.hex() for entry in found] == case["entries"]
        assert encode_bundle(found).hex() == case["data"]


@pytest.mark.parametrize("case", load("published_log.json")["layouts"], ids=lambda case: str(case["size"]))
def test_layouts(case: dict[str, Any]):
    """A tree of this size has so many tiles."""
    assert published_log.layout(case["size"]) == case


@pytest.mark.parametrize("case", cases("published_log.json", "accepted", "refused", part="cosignatures"))
def test_cosigned_notes(case: dict[str, Any]):
    """The note opens to this checkpoint and time by the keys as they are written, or is refused."""
    found = agrees(case, published_log.check_cosigned)
    if found is not None:
        assert (found.checkpoint.size, found.checkpoint.root.hex()) == (case["size"], case["root"])
        assert found.time_s == case["time_s"]
        origin = found.checkpoint.origin
        assert cosigned_message(origin, found.time_s, found.checkpoint).hex() == case["message"]


def test_the_published_note():
    """C2SP's own example is among the vectors."""
    case = load("published_log.json")["published"]
    assert open_note(case["note"].encode(), [parse_verifier(case["key"])]).text == "This is an example message.\n"
