"""Every limit of the protocol, in one place, named with its unit.

These are constants of version 1: an author enforces them before signing, so an accepted author is never refused later.
"""

from __future__ import annotations

from typing import Final

ID_BYTES: Final = 16
HASH_BYTES: Final = 32

FRAME_BYTES_MAX: Final = 256 * 1024
"""One frame on any transport, its 5-byte head included."""
RECORD_BYTES_MAX: Final = 224 * 1024
"""One CBOR value handed to the decoder."""
CBOR_DEPTH_MAX: Final = 12
BODY_BYTES_MAX: Final = 160 * 1024
"""One entry's body as it travels: ciphertext with tag, or a control record in plain."""
HEADER_BYTES_MAX: Final = 24 * 1024
"""Any header whose fields keep their limits: 256 dependencies of 62 bytes, 128 heads of 34, and the rest."""
DEPS_MAX: Final = 256
"""Sessions that one entry may name as changed since its author's last entry in the stream."""
CONTROL_HEADS_MAX: Final = 64
"""Heads of one control stream that one entry may name."""
SEAL_ENTRIES_MAX: Final = 4096
"""Entries under one seal."""
SEAL_PATH_MAX: Final = 12
"""Hashes on the path from an entry to its seal: log2 of SEAL_ENTRIES_MAX."""
SEAL_FORKS_MAX: Final = 64
"""Seals of one session and number that a receiver keeps: a restored device makes two, only an attacker makes many."""
CERTIFICATE_CHAIN_MAX: Final = 8
"""Certificates between a device and the organisation's root."""
CERTIFICATES_MAX: Final = 2 * CERTIFICATE_CHAIN_MAX
"""Certificates that show who a device is: those down to its first one, and of a renewal its issuer's."""
WRAPS_MAX: Final = 96
"""Wraps in one epoch or rewrap record: 96 x 1.2 kB stays under BODY_BYTES_MAX."""
ADDRESS_BYTES_MAX: Final = 512
ADDRESSES_MAX: Final = 8
FRONTIER_SESSIONS_MAX: Final = 2048
"""Sessions of one stream's frontier in one frame; a larger frontier spans frames."""
WRAP_KEY_BYTES: Final = 1216
"""An X-Wing public key."""
WRAP_BYTES: Final = 1168
"""One wrapped 32-byte key: X-Wing encapsulation, ciphertext, tag."""
BATCH_ENTRIES_MAX: Final = 512
"""Entries that one exchange request loads or one ingest takes."""
LAMPORT_MAX: Final = 2**53 - 1
WALL_MS_MAX: Final = 2**48 - 1
SEQ_MAX: Final = 2**40 - 1
LOG_SIZE_MAX: Final = 2**48 - 1
NOTE_BYTES_MAX: Final = 32 * 1024
"""A signed checkpoint as it travels in the exchange."""
OPEN_NOTE_BYTES_MAX: Final = 128 * 1024
"""Any signed note that is opened: C2SP asks for 16 signatures, of nearly 5 kB each where they are post-quantum."""
NOTE_SIGNATURES_MAX: Final = 64
"""Signature lines on one note; C2SP asks verifiers to accept at least 16."""
WRAPPED_BYTES_MAX: Final = 4096
"""One HPKE ciphertext: a wrapped key (1,168 bytes), or a wrap inside a wrap (2,304 bytes)."""
NOTE_NAME_BYTES_MAX: Final = 255
"""A log origin or key name; C2SP cosignatures give it a one-byte length."""
FRAME_ITEMS_MAX: Final = 1024
"""Items of one list in one frame."""
LOG_PATH_MAX: Final = 48
"""Hashes on an inclusion path in the log: log2 of LOG_SIZE_MAX."""
FRONTIERS_IN_FRAME: Final = 2800
"""Streams and heads together in one FRONTIERS frame: 2,800 x 70 bytes stay under FRAME_BYTES_MAX."""
FRONTIER_STREAMS_MAX: Final = 200_000
"""Streams whose frontiers one device may send in one exchange."""
FRONTIER_HEADS_MAX: Final = 400_000
"""Heads, of all streams together, that one device may send in one exchange: 122 MB in memory (measured)."""
RECEIPT_LEAVES_MAX: Final = 128
"""Leaves in one RECEIPT frame: 128 x 1.7 kB stay under FRAME_BYTES_MAX."""
PROOFS_MAX: Final = 4096
"""Certificates, sessions and seals held for the entries that need them; beyond it they are stored ahead of those."""
PROOFS_BYTES_MAX: Final = 1024 * 1024
"""Bytes of certificates, sessions and seals held for the entries that need them; beyond it they are stored ahead."""
REASON_BYTES_MAX: Final = 400
"""Each of the texts of a refusal."""
REASON_CODE_BYTES_MAX: Final = 64
"""The word for machines in a refusal."""
TOKEN_BYTES_MAX: Final = 64
"""The token that stands for a handshake over HTTP."""
VERSIONS_MAX: Final = 16
"""Protocol versions that one HELLO offers."""
VERSION_MAX: Final = 255
CONSISTENCY_PATH_MAX: Final = 2 * LOG_PATH_MAX
"""Hashes of a consistency proof between two states of the log."""
GOSSIP_NOTES_MAX: Final = 8
"""Checkpoints that one HELLO asks the relay to stand by."""
EXCHANGE_STATES_MAX: Final = 256
"""States of the relay's log from which a device accepts proofs: those that it last met in one exchange."""
AUDIT_KIND_MAX: Final = 65_535
AUDIT_FIELDS_MAX: Final = 128
"""Names of fields in one audit record."""
AUDIT_CHARTS_MAX: Final = 1024
"""Charts, or documents, in one audit record: 1,024 x 17 bytes."""
AUDIT_SEEN_MAX: Final = 256
"""Entries that one audit record names as read."""
AUDIT_HEADS_MAX: Final = 1024
"""Chain heads in the record of one meeting: 1,024 x 78 bytes stay under BODY_BYTES_MAX; more take further records."""
AUDIT_WORDS_MAX: Final = 32
AUDIT_TEXT_BYTES_MAX: Final = 1024
"""One word or text of an audit record; it is sealed."""
MEETING_ROUNDS_MAX: Final = 8
"""Rounds of frontiers in one meeting of two devices: what came in one may open what another brings."""
MEETING_ITEMS_MAX: Final = 1024 * 1024
"""Entries and proofs that one device takes from the other in one meeting; the next meeting goes on from there."""
MEETING_UNSOUND_MAX: Final = 1024
"""Items that do not verify or may not stand where they claim, before a device ends the meeting."""
EVIDENCE_FRAME_BYTES_MAX: Final = 576 * 1024
"""One frame of an evidence file: two frames of a handshake fit."""
EVIDENCE_DIGESTS: Final = 1024
"""Frames of an evidence file between two frames of their hashes: 32 kB to hold, and a damaged frame is named."""
EVIDENCE_STREAMS: Final = 4096
"""Streams in one frame of an evidence file."""
ATTESTED_BYTES_MAX: Final = 144 * 1024
"""UTF-8 of the text that one person signs at once: with its signed record it stays under BODY_BYTES_MAX."""
ATTESTED_HEADS_MAX: Final = 64
"""Newest entries of one stream that an attestation names."""
ATTESTED_REASON_BYTES_MAX: Final = 4096
ATTESTED_SECTIONS_MAX: Final = 32
ATTESTED_SECTION_BYTES_MAX: Final = 32
NOTE_FILE_BYTES_MAX: Final = 16 * 1024 * 1024
NOTE_FILE_TEXTS_MAX: Final = 256
"""Signatures in one note file."""
NOTE_FILE_CERTIFICATES_MAX: Final = 1024
NOTE_FILE_RELAYS_MAX: Final = 16
NOTE_FILE_WORDS_BYTES_MAX: Final = 4096
"""What the maker of a note file says of one signer."""
CUTS_MAX: Final = 1024
"""Sessions that one revocation cuts: 1,024 x 60 bytes stay under BODY_BYTES_MAX."""
ADOPTED_MAX: Final = 1024
"""Entries that one adoption names."""
MEMBER_CHANGES_MAX: Final = 1024
"""Additions by one principal to one chart, or to one team, and its broken glasses of one chart: more do not count."""
ASKED_EPOCHS_MAX: Final = 256
"""Epochs whose keys one record asks for again."""
BREAK_GLASS_WRAP_BYTES: Final = 2304
"""A key wrapped to the facility's token, and that wrapped to the desk."""
GLASS_EPOCHS_MAX: Final = 48
"""Epochs in one request to the break-glass desk: 48 x 2.5 kB and the proofs stay under RECORD_BYTES_MAX."""
GLASS_ANSWER_BYTES_MAX: Final = 64 * 1024
"""The desk's answer as it is encrypted: 48 x 1.2 kB and a wrap."""
RECOVERY_SHARES_MAX: Final = 16
"""Shares of one recovery key; SLIP-0039 numbers them with four bits."""
CANARY_BYTES_MAX: Final = 4096
"""What a recovery drill opens, or the sealed keys of a root."""
PURGE_WAIT_MS: Final = 7 * 24 * 60 * 60 * 1000
"""Between hearing that a purge was confirmed and destroying anything: so long a hold or a revocation can stop it."""
BLOB_CHUNK_BYTES: Final = 65_536
"""Plaintext of one chunk of a blob, but for the last."""
BLOB_SEALED_CHUNK_BYTES: Final = BLOB_CHUNK_BYTES + 40
"""A sealed chunk, but for the last: nonce, ciphertext, tag."""
BLOB_CHUNKS_MAX: Final = 4096
"""Chunks of one blob, 256 MiB: 4,096 hashes of 34 bytes stay under FRAME_BYTES_MAX."""
BLOB_BYTES_MAX: Final = BLOB_CHUNKS_MAX * BLOB_SEALED_CHUNK_BYTES
"""Sealed bytes of one blob."""
BLOB_MANIFEST_BYTES_MAX: Final = 144 * 1024
"""The encoded manifest of one blob: 4,096 x 34 bytes and 40."""
BLOB_OFFERS_MAX: Final = 64
"""Manifests in one BLOBOFFER."""
BLOB_ASKED_MAX: Final = 16
"""Chunks that one BLOBWANT asks for: 1 MiB, which one round trip carries and one request over HTTP has room for."""
BLOB_BARREN_TURNS_MAX: Final = 256
"""Turns about blobs in a row in which neither of two devices that meet gave a chunk."""
BLOB_TURN_MAX: Final = 128
"""Messages about blobs in one turn of a meeting: what is held, one window of chunks, one want."""
BACKED_UP_BYTES_MAX: Final = 512
"""The relay's signed word for what it has backed up; 160 bytes are enough for this version's."""
TAG_BYTES: Final = 16
"""A stream's tag, and a bucket's digest: salted by both sides' nonces, so that they cannot be ground beforehand."""
DIGEST_BUCKETS_MAX: Final = 8192
"""Buckets in one DIGESTS: 8,192 x 16 bytes stay under FRAME_BYTES_MAX."""
TAGS_IN_FRAME: Final = 8192
"""Tags in one TAGS or UNKNOWN frame: 8,192 x 16 bytes stay under FRAME_BYTES_MAX."""
ASKS_MAX: Final = 1024
"""CURSORs, WANTs and DIGESTs that one side of an exchange may send on one connection."""
REWINDS_MAX: Final = 8
"""CURSORs below an earlier one of the same connection: each may have the relay begin its feed again."""
COMPARISONS_MAX: Final = 8
"""Comparisons by digests on one connection to the relay: each looks at all streams that a device may read."""
RECHECK_MS: Final = 24 * 60 * 60 * 1000
"""24 hours, in milliseconds: a device that syncs compares what it holds with the relay as often as that."""
LACKING_RECHECK_MS: Final = 60 * 60 * 1000
"""An hour, in milliseconds: the same while what it holds names what it lacks, or what it is fed does not verify."""
BEYOND_HEADS_MAX: Final = 65_536
"""Heads that a device may name on one connection as held beyond its cursor."""
AGAIN_CHAINS_MAX: Final = 4096
"""Chains that a device may ask the relay on one connection to feed again."""
MEETING_REFUSED_MAX: Final = 1024
"""Entries that one side refuses by name in one turn of a meeting; beyond it, nothing of that turn counts as taken."""
PACK_BYTES_MAX: Final = 1024 * 1024
"""The columns of one PACK when they are inflated, and the headers that they stand for: four frames' worth."""
PACK_SESSIONS_MAX: Final = PACK_BYTES_MAX // ID_BYTES
"""Sessions that one PACK names: no headers within PACK_BYTES_MAX name more."""
PACK_ENTRIES_MIN: Final = 32
"""Entries from which on a batch travels as PACK: fewer save little, and plain frames are cheaper to make."""
HELD_ENTRIES_PER_AUTHOR: Final = 4096
"""Entries of one author that a device holds because something that they name is missing; more are deferred."""
HELD_BYTES_PER_AUTHOR: Final = 8 * 1024 * 1024
"""Bytes of one author's held entries."""
HELD_BYTES_MAX: Final = 64 * 1024 * 1024
"""Bytes of all held entries of a device; beyond it whoever holds most makes room for whoever holds less."""
HELD_ENTRIES_MAX: Final = 65_536
"""All held entries of a device; beyond it likewise."""
DEFERRED_CHAINS_PER_AUTHOR: Final = 256
"""Deferred chains of one author that a device notes by name; of more it notes how many entries it could not take."""
DEFERRED_CHAINS_MAX: Final = 16_384
"""Deferred chains of all authors that a device notes by name."""
