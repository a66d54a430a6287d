"""Consent: what a patient's permissions and denials allow, for each purpose for which a chart is opened.

Owns what holds where nothing was said: treatment, at a distance too, until it is denied; research and the training of
models only once they are permitted. A denied treatment leaves one way in, the broken glass, which is on record before
anything opens. Refuses to say who denied what: that is `membership`. Source: GDPR articles 6, 7(3) and 9(2);
45 CFR 164.506, 164.508 and 164.524.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sync_protocol import audit
from sync_protocol.chart_records import Purpose

UNTIL_DENIED: Final = frozenset({Purpose.TREATMENT, Purpose.TELEMEDICINE})
"""Purposes that nobody need permit; the others need an explicit permission."""
NEEDS: Final[Mapping[audit.Purpose, tuple[Purpose, ...]]] = MappingProxyType(
    {
        audit.Purpose.TREATMENT: (Purpose.TREATMENT,),
        audit.Purpose.EMERGENCY: (Purpose.TREATMENT,),
        audit.Purpose.TELEMEDICINE: (Purpose.TREATMENT, Purpose.TELEMEDICINE),
        audit.Purpose.OPERATIONS: (Purpose.TREATMENT,),
        audit.Purpose.PAYMENT: (Purpose.TREATMENT,),
        audit.Purpose.PATIENT_REQUEST: (),
        audit.Purpose.LEGAL: (),
        audit.Purpose.COMPLIANCE: (),
        audit.Purpose.RESEARCH: (Purpose.RESEARCH,),
        audit.Purpose.AI_TRAINING: (Purpose.AI_TRAINING,),
    }
)
"""What each purpose of an act takes. A patient, a court and an officer ask for nobody's consent. Operations and payment
follow treatment, lest they be the word by which a denial is got round."""


def permits(consents: Mapping[Purpose, bool], purpose: Purpose, *, broke_glass: bool = False) -> bool:
    """Whether a purpose is allowed.

    Args:
        consents: what was said of each purpose, denials having won already; nothing of those not in it.
        purpose: for what.
        broke_glass: whether who asks has an open emergency access to the chart: it stands in for treatment alone.
    """
    glass = broke_glass and purpose is Purpose.TREATMENT
    return glass or consents.get(purpose, purpose in UNTIL_DENIED)


def lacking(consents: Mapping[Purpose, bool], act: audit.Purpose, *, broke_glass: bool = False) -> Purpose | None:
    """The consent for want of which an act must not be done; None where it may be."""
    denied = (one for one in NEEDS[act] if not permits(consents, one, broke_glass=broke_glass))
    return next(denied, None)
