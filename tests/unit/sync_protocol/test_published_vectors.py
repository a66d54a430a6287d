"""Our primitives agree with what others published: RFCs, FIPS, C2SP and the drafts behind HPKE's X-Wing."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.bindings._rust import openssl as rust_openssl
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.mldsa import (
    MLDSA44PrivateKey,
    MLDSA44PublicKey,
    MLDSA65PrivateKey,
    MLDSA65PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography_vectors import open_vector_file

from sync_protocol import sealing
from sync_protocol.errors import ForgedError
from sync_protocol.ids import CertificateHash, Hash, OrganisationId
from sync_protocol.key_wrap import WrapContext, WrapPrivateKey, wrap
from sync_protocol.merkle import EMPTY_ROOT, inclusion_path, leaf_hash, root, root_from_path
from sync_protocol.sealing import ContentKey, xaes_decrypt, xaes_encrypt
from sync_protocol.signing import Ed25519Signature, HybridSigningKey, SigningKey, VerifyKey, verify_note

AEADS = {1: AEAD.AES_128_GCM, 2: AEAD.AES_256_GCM, 3: AEAD.CHACHA20_POLY1305}
KEM_X25519, KEM_X_WING, KDF_SHA256, BASE = 0x0020, 0x647A, 0x0001, 0


def hpke_vectors(name: str, kem: int) -> list[dict[str, Any]]:
    """The package's base-mode vectors of one KEM with HKDF-SHA256 and an AEAD that can seal."""
    with open_vector_file(f"HPKE/{name}", "r") as file:
        vectors = json.load(file)
    wanted = {"mode": BASE, "kem_id": kem, "kdf_id": KDF_SHA256}
    return [v for v in vectors if wanted.items() <= v.items() and v["aead_id"] in AEADS]


def open_first(vector: dict[str, Any], suite: Suite, private: Any) -> bytes:
    """Open a vector's first message; the library's AAD is private, and the vectors have one."""
    sealed = vector["encryptions"][0]
    return rust_openssl.hpke._decrypt_with_aad(
        suite,
        bytes.fromhex(vector["enc"] + sealed["ct"]),
        private,
        bytes.fromhex(vector["info"]),
        bytes.fromhex(sealed["aad"]),
    )


@pytest.mark.parametrize("vector", hpke_vectors("test-vectors.json", KEM_X25519), ids=lambda v: f"aead{v['aead_id']}")
def test_hpke_opens_the_vectors_of_rfc_9180(vector: dict[str, Any]):
    """RFC 9180, appendix A: base mode, X25519, HKDF-SHA256, each AEAD."""
    private = X25519PrivateKey.from_private_bytes(bytes.fromhex(vector["skRm"]))
    assert private.public_key().public_bytes_raw().hex() == vector["pkRm"]
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEADS[vector["aead_id"]])
    assert open_first(vector, suite, private).hex() == vector["encryptions"][0]["pt"]


@pytest.mark.parametrize("vector", hpke_vectors("hpke-pq-test-vectors.json", KEM_X_WING))
def test_x_wing_opens_the_vectors_of_the_draft(vector: dict[str, Any]):
    """draft-ietf-hpke-pq: the 32-byte seed gives the published key, and that key opens (with ChaCha20-Poly1305)."""
    private = WrapPrivateKey(bytes.fromhex(vector["skRm"]))
    assert private.public.hex() == vector["pkRm"]
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEADS[vector["aead_id"]])
    assert open_first(vector, suite, private._private).hex() == vector["encryptions"][0]["pt"]
    assert x_wing_secret(bytes.fromhex(vector["skRm"]), bytes.fromhex(vector["enc"])).hex() == vector["shared_secret"]


def x_wing_secret(seed: bytes, enc: bytes) -> bytes:
    """X-Wing's decapsulation from its parts. Source: draft-connolly-cfrg-xwing-kem, sections 5.2 to 5.5."""
    expanded = hashlib.shake_256(seed).digest(96)
    curve = X25519PrivateKey.from_private_bytes(expanded[64:])
    lattice_secret = MLKEM768PrivateKey.from_seed_bytes(expanded[:64]).decapsulate(enc[:1088])
    curve_secret = curve.exchange(X25519PublicKey.from_public_bytes(enc[1088:]))
    public = curve.public_key().public_bytes_raw()
    return hashlib.sha3_256(lattice_secret + curve_secret + enc[1088:] + public + rb"\.//^" + b"\\").digest()


def key_schedule(secret: bytes, info: bytes, suite_id: bytes) -> tuple[bytes, bytes]:
    """Key and nonce of HPKE's base mode for a 32-byte key. Source: RFC 9180 section 5.1."""

    def extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return HKDF.extract(hashes.SHA256(), salt, b"HPKE-v1" + suite_id + label + ikm)

    def expand(label: bytes, context: bytes, length: int) -> bytes:
        labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite_id + label + context
        return HKDFExpand(hashes.SHA256(), length, labelled).derive(extract(secret, b"secret", b""))

    context = bytes([BASE]) + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    return expand(b"key", context, 32), expand(b"base_nonce", context, 12)


@pytest.mark.parametrize("vector", hpke_vectors("hpke-pq-test-vectors.json", KEM_X_WING))
def test_the_key_schedule_here_is_the_published_one(vector: dict[str, Any]):
    """The independent key schedule below derives the draft's own key and nonce."""
    suite_id = b"HPKE" + bytes.fromhex("647a00010003")
    key, nonce = key_schedule(bytes.fromhex(vector["shared_secret"]), bytes.fromhex(vector["info"]), suite_id)
    assert (key.hex(), nonce.hex()) == (vector["key"], vector["base_nonce"])


def test_a_wrap_opens_by_the_text_of_the_standards():
    """No vector has our AEAD: an independent X-Wing and key schedule open what `wrap` made."""
    private = WrapPrivateKey(b"r" * 32)
    context = WrapContext(
        organisation=OrganisationId(b"o" * 16),
        commitment=Hash(b"c" * 32),
        parents=(),
        recipient=private.public,
        minter=CertificateHash(b"m" * 32),
    )
    wrapped = wrap(private.public, b"k" * 32, context=context)
    secret = x_wing_secret(private.reveal(), wrapped[:1120])
    key, nonce = key_schedule(secret, context.info(), b"HPKE" + bytes.fromhex("647a00010002"))
    assert AESGCM(key).decrypt(nonce, wrapped[1120:], b"") == b"k" * 32


def test_ed25519_agrees_with_the_published_signatures():
    """ed25519.cr.yp.to's 1,024 cases: the seed gives the key and, where a note may hold it, the signature."""
    with open_vector_file("asymmetric/Ed25519/sign.input", "r") as file:
        lines = file.read().splitlines()
    assert len(lines) == 1024
    for line in lines:
        secret, public, text, signed = map(bytes.fromhex, line.split(":")[:4])
        signer, signature = SigningKey(secret[:32]), Ed25519Signature(signed[:64])
        assert signer.public == public
        verify_note(VerifyKey(public), text, signature)
        with pytest.raises(ForgedError):
            verify_note(VerifyKey(public), text + b"x", signature)
        if b"\0" not in text:
            assert signer.sign_note(text) == signature


def ml_dsa_vectors(size: int, count: int) -> list[dict[str, bytes]]:
    """The first cases of a known-answer file: lines `name = hex`."""
    with open_vector_file(f"asymmetric/MLDSA/kat_MLDSA_{size}_det_pure.rsp", "r") as file:
        cases = file.read().split("count = ")[1 : count + 1]
    pairs = [[line.split(" = ") for line in case.splitlines() if " = " in line] for case in cases]
    return [{name: bytes.fromhex(value) for name, value in case if not name.endswith("len")} for case in pairs]


@pytest.mark.parametrize(
    ("size", "private_kind", "public_kind"),
    [(44, MLDSA44PrivateKey, MLDSA44PublicKey), (65, MLDSA65PrivateKey, MLDSA65PublicKey)],
)
def test_ml_dsa_verifies_the_published_signatures(size: int, private_kind: Any, public_kind: Any):
    """FIPS 204 known answers: the seed gives the key, the signature holds, and not for another message."""
    for case in ml_dsa_vectors(size, 25):
        text, public = case["msg"], public_kind.from_public_bytes(case["pk"])
        signature = case["sm"].removesuffix(text)
        assert private_kind.from_seed_bytes(case["xi"]).public_key() == public
        public.verify(signature, text, case["ctx"])
        with pytest.raises(InvalidSignature):
            public.verify(signature, text + b"x", case["ctx"])


def test_our_hybrid_keys_are_those_of_fips_204():
    """The second half of the seeds gives the published ML-DSA-65 key."""
    for case in ml_dsa_vectors(65, 10):
        assert HybridSigningKey(bytes(32) + case["xi"]).public.ml_dsa == case["pk"]


XAES = [
    {
        "key": b"\1" * 32,
        "l": "7298caa565031eadc6ce23d23ea66378",
        "k1": "e531954aca063d5b8d9c47a47d4cc6f0",
        "kx": "c8612c9ed53fe43e8e005b828a1631a0bbcb6ab2f46514ec4f439fcfd0fa969b",
        "aad": b"",
        "ciphertext": "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271",
    },
    {
        "key": b"\3" * 32,
        "l": "91c08762876dccf9ba204a33768fa5fe",
        "k1": "23810ec50edb99f374409466ed1f4b7b",
        "kx": "e9c621d4cdd9b11b00a6427ad7e559aeedd66b3857646677748f8ca796cb3fd8",
        "aad": b"c2sp.org/XAES-256-GCM",
        "ciphertext": "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d",
    },
]


@pytest.mark.parametrize("vector", XAES, ids=["msb-clear", "msb-set"])
def test_xaes_agrees_with_c2sp_step_by_step(vector: dict[str, Any]):
    """C2SP XAES-256-GCM, both vectors: L, K1, Kx and the ciphertext, both ways."""
    key, nonce = ContentKey(vector["key"]), b"ABCDEFGHIJKLMNOPQRSTUVWX"
    block = sealing._block_cipher(key._cipher, bytes(16))
    assert block.hex() == vector["l"]
    assert sealing._double(block).hex() == vector["k1"]
    assert key.derive(nonce).hex() == vector["kx"]
    sealed = xaes_encrypt(key, b"XAES-256-GCM", nonce=nonce, aad=vector["aad"])
    assert sealed.hex() == vector["ciphertext"]
    assert xaes_decrypt(key, sealed, nonce=nonce, aad=vector["aad"]) == b"XAES-256-GCM"


def test_xaes_agrees_with_c2sp_by_accumulation():
    """C2SP XAES-256-GCM, the accumulated vector of 10,000 rounds: inputs from SHAKE128, outputs into SHAKE128."""
    rounds, digest = 10_000, "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"
    source, sink = hashlib.shake_128(), hashlib.shake_128()
    stream = source.digest(rounds * (32 + 24 + 2 * 256))
    at = 0

    def take(size: int) -> bytes:
        nonlocal at
        at += size
        return stream[at - size : at]

    for _ in range(rounds):
        key, nonce = ContentKey(take(32)), take(24)
        plaintext = take(take(1)[0])
        aad = take(take(1)[0])
        sealed = xaes_encrypt(key, plaintext, nonce=nonce, aad=aad)
        assert xaes_decrypt(key, sealed, nonce=nonce, aad=aad) == plaintext
        sink.update(sealed)
    assert sink.digest(32).hex() == digest


CT_LEAVES = [
    bytes.fromhex(data)
    for data in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_roots_are_those_of_certificate_transparency():
    """The example tree of RFC 6962's reference implementation, at every size from 0 to 8."""
    leaves = [leaf_hash(data) for data in CT_LEAVES]
    assert [root(leaves[:size]).hex() for size in range(9)] == CT_ROOTS
    assert EMPTY_ROOT.hex() == CT_ROOTS[0]


def test_paths_are_those_of_certificate_transparency():
    """The same tree's published path of the first of eight leaves."""
    leaves = [leaf_hash(data) for data in CT_LEAVES]
    path = inclusion_path(leaves, 0)
    assert [part.hex() for part in path] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    assert root_from_path(leaves[0], index=0, size=8, path=path).hex() == CT_ROOTS[8]


def test_the_seven_leaf_tree_of_rfc_6962_has_its_shape():
    """RFC 6962 section 2.1.3: with leaves d0 to d6, the path of d0 is [b, h, l], of d3 [c, g, l], of d6 [i, k]."""
    leaves = [leaf_hash(bytes([i])) for i in range(7)]
    a, b, c, d, e, f, j = leaves
    g, h, i = root([a, b]), root([c, d]), root([e, f])
    k, l = root([a, b, c, d]), root([e, f, j])  # noqa: E741 - the RFC's letter
    assert inclusion_path(leaves, 0) == (b, h, l)
    assert inclusion_path(leaves, 3) == (c, g, l)
    assert inclusion_path(leaves, 4) == (f, j, k)
    assert inclusion_path(leaves, 6) == (i, k)
