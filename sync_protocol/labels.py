"""The one table of domain-separation labels.

A label is prefixed to whatever is signed, hashed into a commitment or derived from, so that bytes made for one purpose
are worthless for another. Labels are never reused and never changed; a new meaning takes a new row.
"""

from __future__ import annotations

from enum import Enum


class Label(bytes, Enum):
    """What a signature, hash, key derivation or HPKE context is for."""

    ROOT = b"fieldward/1/root\0"
    CERTIFICATE = b"fieldward/1/certificate\0"
    RELAY = b"fieldward/1/relay\0"
    SESSION = b"fieldward/1/session\0"
    SESSION_ID = b"fieldward/1/session-id\0"
    SEAL = b"fieldward/1/seal\0"
    SEAL_LEAF = b"fieldward/1/seal-leaf\0"
    AUTH_DEVICE = b"fieldward/1/auth-device\0"
    AUTH_RELAY = b"fieldward/1/auth-relay\0"
    ENROLMENT = b"fieldward/1/enrolment\0"
    INVITATION_MAC = b"fieldward/1/invitation-mac\0"
    INVITATION_PROOF = b"fieldward/1/invitation-proof\0"
    INVITATION_CODE = b"fieldward/1/invitation-code\0"
    EPOCH_COMMITMENT = b"fieldward/1/epoch-commitment\0"
    EPOCH_WRAP = b"fieldward/1/epoch-wrap\0"
    CLIENT = b"fieldward/1/client\0"
    TEXT_DOC = b"fieldward/1/text-doc\0"
    TEXT_START = b"fieldward/1/text-start\0"
    REVIEW = b"fieldward/1/review\0"
    FRONTIER = b"fieldward/1/frontier\0"
    CHART_ID = b"fieldward/1/chart-id\0"
    CONTROL_STREAM = b"fieldward/1/control-stream\0"
    CONTENT_STREAM = b"fieldward/1/content-stream\0"
    AUTH_PEER = b"fieldward/1/auth-peer\0"
    RELAY_COSIGNER = b"fieldward/1/relay-cosigner\0"
    EVIDENCE = b"fieldward/1/evidence\0"
    REVOCATION = b"fieldward/1/revocation\0"
    TEAM_ID = b"fieldward/1/team-id\0"
    BREAK_GLASS = b"fieldward/1/break-glass\0"
    RECOVERY = b"fieldward/1/recovery\0"
    RECOVERY_GRANT = b"fieldward/1/recovery-grant\0"
    RECOVERY_WRAP = b"fieldward/1/recovery-wrap\0"
    RECOVERY_SIGNER = b"fieldward/1/recovery-signer\0"
    RECOVERY_ESCROW = b"fieldward/1/recovery-escrow\0"
    RECOVERY_DRILL = b"fieldward/1/recovery-drill\0"
    RECOVERY_SHARES = b"fieldward/1/recovery-shares\0"
    RECOVERY_SHEET = b"fieldward/1/recovery-sheet\0"
    CANARY = b"fieldward/1/canary\0"
    GLASS_REQUEST = b"fieldward/1/glass-request\0"
    GLASS_ANSWER = b"fieldward/1/glass-answer\0"
    GLASS_LAYERS = b"fieldward/1/glass-layers\0"
    BUNDLE = b"fieldward/1/bundle\0"
    BACKED_UP = b"fieldward/1/backed-up\0"
    BLOB_ID = b"fieldward/1/blob-id\0"
    BLOB_CHUNK = b"fieldward/1/blob-chunk\0"
    BLOB_RECEIPT = b"fieldward/1/blob-receipt\0"
    DIGEST = b"fieldward/1/digest\0"
    ATTESTATION = b"fieldward/1/attestation\0"
    NOTE = b"fieldward/1/note\0"
    ADAPTER = b"fieldward/1/adapter\0"
