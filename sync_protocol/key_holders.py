"""Who was given which of a chart's keys, by the records that wrap them: each of these may hand its key on.

A cut, or a removal, may leave a key with those alone who read no more, while what is sealed under it stands for review.
So a wrap opens whose author was given the key, whether it reads still or not. Nobody gains by that: whoever has a key
could wrap it as one who has not heard that it reads no more, and a wrap that holds something else is a bad wrap. Nor is
an epoch written under again for it: whoever was given its key is among its recipients for good.
"""

from __future__ import annotations

from collections.abc import Iterator

from sync_protocol.chart_counting import Counting
from sync_protocol.chart_shape import Counted
from sync_protocol.control import MintEpoch, Rewrap
from sync_protocol.epochs import team_epoch
from sync_protocol.ids import CertificateHash, EntryHash
from sync_protocol.organisation import Organisation


class KeyHolders:
    """To whom the epochs of a chart were wrapped; worked out for an epoch as it is asked for."""

    def __init__(self, counting: Counting, organisation: Organisation) -> None:
        """Look at a chart's records.

        Args:
            counting: the records, and which of them count.
            organisation: whose teams are wrapped to.
        """
        self._counting = counting
        self._pasts = counting.pasts
        self._organisation = organisation
        self._rewraps: dict[EntryHash, list[int]] | None = None
        self._given: dict[EntryHash, dict[CertificateHash, int]] = {}
        self._handed: set[int] = set()

    def opens(self, index: int) -> bool:
        """Whether keys are taken from a record that mints or wraps one: by a member that reads, or by a holder.

        By the record's own past, whatever was cut since; or by everything known.
        """
        return self._by_reader(index) or self.hands_on(index)

    def hands_on(self, index: int) -> bool:
        """Whether a record wraps a key that its author, who does not read, had been given."""
        record = self._pasts.order[index].record
        if isinstance(record, Rewrap):
            self._holders(record.epoch)
        return index in self._handed

    def has(self, name: CertificateHash, epoch: EntryHash) -> bool:
        """Whether a principal was given the key of an epoch, by any record that opens."""
        return name in self._holders(epoch)

    def refused(self, counted: Counted) -> dict[EntryHash, str]:
        """Records that do not count, each with a word for the reason; a key that is handed on is no offence."""
        indices, found = self._pasts.index, counted.refused.items()
        return {name: why for name, why in found if why == "outside_cut" or not self.hands_on(indices[name])}

    def _by_reader(self, index: int) -> bool:
        now = self._counting.counted(self._organisation.now).bits
        return bool(now >> index & 1) or self._counting.opens(index)

    def _holders(self, epoch: EntryHash) -> dict[CertificateHash, int]:
        """The principals behind the recipients of an epoch, each with the records that gave it the key, as bits."""
        found = self._given.get(epoch)
        if found is None:
            found = self._given[epoch] = {}
            for index in self._records(epoch):
                author = self._pasts.order[index].author
                if not self._by_reader(index):
                    if not found.get(author, 0) & self._pasts.before(index):
                        continue
                    self._handed.add(index)
                for name in self._recipients(index):
                    found[name] = found.get(name, 0) | 1 << index
        return found

    def _records(self, epoch: EntryHash) -> list[int]:
        """The record that mints an epoch that opens, and those that wrap it again, each after what it follows."""
        if self._rewraps is None:
            self._rewraps = {}
            for index in self._counting.indices.get(Rewrap, ()):
                record = self._pasts.order[index].record
                assert isinstance(record, Rewrap), "indices are by kind"
                self._rewraps.setdefault(record.epoch, []).append(index)
        minted = self._pasts.index.get(epoch)
        if minted is None or not isinstance(self._pasts.order[minted].record, MintEpoch) or not self._by_reader(minted):
            return []
        return sorted([minted, *self._rewraps.get(epoch, ())])

    def _recipients(self, index: int) -> Iterator[CertificateHash]:
        """The principals to whom a record wraps, by what its author had seen of the teams; and the author."""
        entry = self._pasts.order[index]
        assert isinstance(entry.record, MintEpoch | Rewrap), "records of epochs alone"
        yield entry.author
        view = self._organisation.at(entry.organisation_heads)
        for name, _ in entry.record.wraps:
            team = team_epoch(self._organisation, view, name)
            if team is None:
                yield CertificateHash(name)
            else:
                yield from team.principals
