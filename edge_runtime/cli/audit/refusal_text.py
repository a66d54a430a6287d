"""Why a control record does not count, for people.

Owns a sentence for every word that the core has for it. Most of these records are honest: whoever wrote one had not
heard yet of what takes its effect, so no sentence accuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

REFUSALS: Final[Mapping[str, str]] = {
    "another_chart": "it creates a chart other than the one in whose records it stands",
    "answers_nothing": "what it confirms or closes is not on record before it",
    "by_broken_glass": "its author was in the chart by an emergency access only, which does not let it say this",
    "commitment_reused": "it repeats the mark of an earlier key, so that no device could open it",
    "created_again": "the team was there already",
    "creator_removed_by_another": "nobody but its creator can take the creator out of a chart",
    "no_compartments": "it creates a team that reads nothing",
    "not_a_member": "its author was no member there, or was removed and had not heard of it",
    "not_a_reader": "its author's role does not read the part of the chart whose key it gives",
    "not_an_administrator": "its author is no administrator, and only these change roles",
    "not_an_officer": "its author is no compliance officer, or was none any more",
    "not_its_issuer": "it carries a revocation that somebody else issued",
    "not_senior": "its author does not stand above the device that it revokes",
    "not_signed_by_recovery": "it was not signed with the recovery key that is in use",
    "not_signed_by_root": "it was not signed by the organisation's root",
    "outside_cut": "its author was revoked, and this came after what was kept; it may be honest",
    "reads_no_content": "its author's role reads nothing of the chart's content",
    "role_reads_less": "the role of whoever it adds does not read all that the team reads",
    "role_reads_no_chart": "its author's role opens no chart, in an emergency neither",
    "same_user": "whoever proposed it or opened the chart answered it too; that takes another person",
    "too_many": "its author had used up the changes that one device may make there",
}
_UNKNOWN: Final = "a reason that this version does not know"


def why_refused(word: str) -> str:
    """The sentence for a word."""
    return REFUSALS.get(word, _UNKNOWN)
