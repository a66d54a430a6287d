"""Small values by name."""

from __future__ import annotations

import pytest

from edge_runtime.store.device import DeviceStore
from edge_runtime.store.values import NAME_BYTES_MAX, VALUE_BYTES_MAX
from sync_protocol.errors import LimitError


def put(store: DeviceStore, **values: bytes | None) -> None:
    """Put values in one block."""
    with store.writing() as writer:
        for name, value in values.items():
            writer.put_value(name, value)


def test_a_value_is_found_by_its_name(store: DeviceStore) -> None:
    """A value is there as it was put, the empty one too; another name has none."""
    put(store, cursor=b"\0\x01", nothing=b"", größe=b"3")
    assert store.get_value("cursor") == b"\0\x01"
    assert store.get_value("nothing") == b""
    assert store.get_value("größe") == b"3"
    assert store.get_value("curso") is None


def test_the_last_value_counts(store: DeviceStore) -> None:
    """Putting again replaces, also within one block, and leaves nothing of the one before."""
    put(store, cursor=b"1")
    with store.writing() as writer:
        writer.put_value("cursor", b"2")
        writer.put_value("cursor", b"3" * 10_000)
    assert store.get_value("cursor") == b"3" * 10_000
    assert store.values() == {"cursor": b"3" * 10_000}
    assert store.check() == []


def test_none_removes(store: DeviceStore) -> None:
    """None removes a value; removing what is not there is nothing; it can be put again."""
    put(store, a=b"1", b=b"2")
    put(store, a=None, c=None)
    assert store.get_value("a") is None
    assert store.values() == {"b": b"2"}
    put(store, a=b"3")
    assert store.values() == {"a": b"3", "b": b"2"}
    assert store.check() == []


def test_values_by_prefix(store: DeviceStore) -> None:
    """A prefix finds what begins with it, in order of names, itself included."""
    with store.writing() as writer:
        for name in ("key/b", "key/a", "key", "keys", "other", "ke"):
            writer.put_value(name, name.encode())
    assert list(store.values("key")) == ["key", "key/a", "key/b", "keys"]
    assert store.values("key/") == {"key/a": b"key/a", "key/b": b"key/b"}
    assert store.values("none") == {}
    assert len(store.values()) == 6


def test_limits(store: DeviceStore) -> None:
    """The longest name and value are kept; one byte more is refused and names the limit; nothing is stored then."""
    put(store, **{"é" * (NAME_BYTES_MAX // 2): bytes(VALUE_BYTES_MAX)})
    assert store.get_value("é" * (NAME_BYTES_MAX // 2)) == bytes(VALUE_BYTES_MAX)
    for name, value in (("n" * (NAME_BYTES_MAX + 1), b""), ("n", bytes(VALUE_BYTES_MAX + 1))):
        with pytest.raises(LimitError):
            put(store, other=b"1", **{name: value})
    assert store.get_value("other") is None
