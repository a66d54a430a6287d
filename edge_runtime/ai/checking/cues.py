"""The words that deny, affirm, and end a denial's reach.

Owns the table of cues; `polarity` applies it. Each cue is a row of words as `words` yields them, with what it does.

Source: the roles follow Chapman et al., A simple algorithm for identifying negated findings and diseases in discharge
summaries (NegEx), J Biomed Inform 34:301, 2001, and Harkema et al., ConText, J Biomed Inform 42:839, 2009; the lists
are our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from edge_runtime.ai.checking.words import listed


class Cue(Enum):
    """What a cue does."""

    DENIES_LIST = "denies what follows, over commas"
    DENIES_NEXT = "denies what follows, up to a comma"
    DENIES_BEFORE = "denies what stands before it"
    AFFIRMS = "affirms what follows, and ends a denial"
    ENDS = "ends a denial"
    NONE = "looks like a denial and is none"


_LINES: Final[Mapping[Cue, str]] = MappingProxyType(
    {
        Cue.DENIES_LIST: """
            no | denies | denied | deny | denying | without | negative for | free of | no evidence of | no signs of
            no sign of | no history of | no complaints of | absence of | absent for | no known | nor | neither
            never had | never has had | has not had | have not had | had not had | has had no | rules out
            ruled out for
            without any | without evidence of | negative history of | lack of | lacks | fails to | failed to
            has n't had | have n't had | hasn't had | haven't had | unremarkable for | not any | no more | none of
        """,
        Cue.DENIES_NEXT: """
            not | n't | cannot | never | can't | don't | doesn't | didn't | isn't | aren't | wasn't | weren't | hasn't
            haven't | hadn't | won't | wouldn't | couldn't | shouldn't | unable to | refuses | refused
            declines | declined
            not have | does not have | do not have | did not have | no longer | dont | doesnt | didnt | unlikely
        """,
        Cue.DENIES_BEFORE: """
            denied | absent | not present | was ruled out | is ruled out | ruled out | were ruled out | not seen
            not noted | not appreciated | not identified | not found | negative | : negative | : no | : none
            : absent
            - negative | - no | : never | : denies | : denied | not observed | none | nil | not detected
            not demonstrated
        """,
        Cue.AFFIRMS: """
            reports | endorses | admits | complains | complains of | positive for | has | had | have | presents with
            experiences | experienced | experiencing | endorsed | endorsing | reported | admits to | notes | affirms
            describes | suffers | confirms | develops | developed | demonstrates | demonstrated | shows
            showed | reveals
            revealed | is | are | was | were | does | confirmed | acknowledges | remains | appears | does have
            do have
        """,
        Cue.ENDS: """
            but | however | except | although | though | which | who | aside from | apart from | other than | besides
            yet | still | because | since | until | unless | secondary to | due to | therefore | so | then
            normal | clear
            intact | regular | soft | supple | positive | he | she | they | we | i | you | this | these | will | would
            can | should | if | stable | some | just | only
        """,
        Cue.NONE: """
            no change | no changes | no increase | no decrease | not only | no doubt | gram negative
            not certain | not sure
            not necessarily | no improvement | without difficulty | no problem | no worries | no matter
            why not | or not
            no further | if not | no better | not worse | no one | not just | do not know | do n't know
            don't know | no new
            without problems | not been able | not yet | no questions | no issues | not too | not very
            no significant
            not improved | not improving | not getting | not helped | not well controlled | not controlled
            not always
        """,
    }
)


def _read() -> dict[str, list[tuple[tuple[str, ...], Cue]]]:
    found: dict[str, list[tuple[tuple[str, ...], Cue]]] = {}
    for cue, lines in _LINES.items():
        for line in lines.strip().splitlines():
            for name in line.split("|"):
                words = tuple(name.split())
                found.setdefault(words[0], []).append((words, cue))
    order = (Cue.NONE, Cue.DENIES_LIST, Cue.DENIES_NEXT, Cue.AFFIRMS, Cue.ENDS, Cue.DENIES_BEFORE)
    for cues in found.values():
        cues.sort(key=lambda one: (-len(one[0]), order.index(one[1])))
    return found


CUES: Final[Mapping[str, list[tuple[tuple[str, ...], Cue]]]] = MappingProxyType(_read())
"""By first word, the longest first."""
HEADS: Final = listed(
    """
    lungs heart abdomen heent neck extremities cardiovascular respiratory gastrointestinal psychiatric
    neurological skin eyes ears chest musculoskeletal genitourinary general constitutional head patient it there
    """
)
"""Words that begin a statement of their own behind a comma."""
ASKS: Final = listed(
    """
    have-you have-they do-you did-you are-you has-he has-she has-it is-there are-there any-other and-any or-any
    does-he does-she do-they you-any you-have ever-had about-any then-any okay-any so-any any-history any-visual
    any-fever any-chest any-issues any-problems any-pain no-other does-it did-it is-it was-there were-there
    had-any have-any had-you how-about what-about
    """
)
"""Two words with which a question begins that no sign ends."""
QUESTION_WORDS_MAX: Final = 45
"""Words of a speech's end in which such a question may begin."""
REACH_WORDS_MAX: Final = 9
"""Words that a denial of the next thing reaches."""
LIST_WORDS_MAX: Final = 40
"""Words that the denial of a list reaches."""
YES: Final = listed(
    """
    yes yeah yep yup sure correct right definitely absolutely exactly mm-hmm uh-huh indeed certainly yea sometimes
    occasionally mhm affirmative positive
    """
)
NO: Final = listed(
    """
    no nope nah none never not negative nothing nil neither nobody
    """
)
IFS: Final = listed(
    """
    if should unless whenever return risk risks avoid monitor watch case prevent prevents
    """
)
"""Words of a sentence that speaks of what may come."""
KIN: Final = listed(
    """
    mother father mom dad brother sister brothers sisters parents aunt uncle grandmother grandfather family
    maternal paternal son daughter cousin sibling siblings relatives grandparents
    """
)
"""Words of a sentence that speaks of others."""
NEGATORS: Final = listed(
    """
    no not n't don't doesn't didn't isn't aren't wasn't weren't hasn't haven't hadn't won't can't cannot couldn't
    denies denied deny denying without never negative none neither unable absent lacks declines declined refuses
    refused nothing nobody abnormal unstable irregular unlikely fails failed unremarkable afebrile nontender
    asymptomatic non
    """
)
"""Words that turn a sentence round."""
CLAIMS: Final = listed(
    """
    reports endorses positive complains admits endorsed reported experiencing experiences presents
    """
)
"""Words that say outright that a patient has what follows."""
GENERAL: Final = listed(
    """
    history evidence known sign signs episode episodes year years old allergies allergy allergic
    """
)
"""Words that stand in too many sentences to be turned round by themselves; allergies have a rule of their own."""
VAGUE: Final = listed(
    """
    complaints complaint symptoms symptom issues issue problems problem changes change difficulty difficulties
    concerns concern questions signs time present today currently recently significant acute distress associated
    additional abnormalities abnormality findings relief help ever either anything anyone there before
    """
)
"""Words that a denial may end in without naming anything."""
SPEAKERS: Final = listed(
    """
    doctor dr patient pt nurse clinician physician provider mother father parent mom dad wife husband daughter son
    guest family paramedic medic interpreter caller dispatcher midwife relative carer caregiver interviewer
    speaker assistant student surgeon pharmacist therapist d p n m sister brother resident consultant
    """
)
"""What stands before the colon of a speech."""
