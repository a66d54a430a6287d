"""From a thread of statements to its resource: a new one of ours, or an overlay on the one that came by import.

Owns which of several statements is shown, what an overlay touches, and what marks a statement that nobody vouches for.
Which words become which element, the module of each type says. Pure.

Source: FHIR R4 section 6.1.2 Security Labels (HL7 v3 ObservationValue, integrity confidence).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from edge_runtime.clinical.schemas import flaw
from edge_runtime.facts import FactId, PlacedFact
from edge_runtime.fhir.exporting.elements import coding, overlaid, without_empty
from edge_runtime.fhir.exporting.identity import address_of, thread_id, urn
from edge_runtime.fhir.exporting.kept import Kept
from edge_runtime.fhir.exporting.scene import Content, Made, Scene, Thread
from edge_runtime.fhir.reading.strict_json import Json
from sync_protocol.encoding import Value

Elements: TypeAlias = dict[str, Json]
"""By name; a choice is one member `onset[x]` with the whole member as its value, see `elements.choice`."""

UNVERIFIED: Final = coding(
    "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "UNCERTREL", "uncertain reliability"
)
"""Of what a device wrote that had no right to it any more, and nobody has adopted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A thread and what of it the resource says.

    Attributes:
        type: of the resource.
        head: the statement whose words are shown.
        base: the imported resource under the overlay; None for a resource of ours.
        unverified: nobody vouches for it.
    """

    type: str
    thread: Thread
    head: PlacedFact
    base: Kept | None = None
    unverified: bool = False

    @property
    def before(self) -> Mapping[str, Value]:
        """What the imported resource stated last; nothing of a resource of ours."""
        if self.base is None:
            return {}
        kind = self.head.fact.kind
        stated = [fact for fact in (*self.base.earlier, *self.base.stated) if fact.fact.kind == kind]
        return stated[-1].fact.payload if stated else {}

    @property
    def corrected(self) -> bool:
        """Whether it replaces something."""
        return len(self.thread.facts) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How facts of one kind become resources.

    Attributes:
        kind: of the facts.
        types: the resource types that such facts may have come from.
        type_of: the type of a resource of ours.
        elements: every element that a statement leads to, but resourceType and id.
        groups: payload keys, and the elements that say them: what an overlay replaces where one of them changed.
        always: elements that an overlay replaces wherever anything was stated since.
        unsettled: those that it replaces where several statements stand.
        retired: what is changed in a second imported resource that the same statement replaced; None to overlay it
            as the first.
        head: which of the statements that stand is shown; by default the last.
        touched: by statement, elements that must be overlaid though nothing of its own thread changed.
        elsewhere: types of imported resources whose mapper says as well what became of such a statement.
    """

    kind: str
    types: frozenset[str]
    type_of: Callable[[Thread], str]
    elements: Callable[[Scene, Shown], Elements]
    groups: Sequence[tuple[tuple[str, ...], tuple[str, ...]]]
    always: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()
    retired: Mapping[str, Elements] | None = None
    head: Callable[[Sequence[PlacedFact]], PlacedFact] = field(default=lambda facts: facts[-1])
    touched: Callable[[Scene], Mapping[FactId, tuple[str, ...]]] = field(default=lambda _scene: {})
    elsewhere: frozenset[str] = frozenset()


def made_of(scene: Scene, form: Form) -> Iterator[Made]:
    """Every resource of the facts of one kind: what counts, then what is unverified."""
    all_touched = form.touched(scene)
    for thread in scene.threads(form.kind):
        touched = [name for fact in thread.standing for name in all_touched.get(fact.id, ())]
        if thread.as_imported and not touched:
            continue
        bases = [kept for kept in thread.kept if kept.type in form.types and kept.resource is not None]
        if bases:
            yield from _overlays(scene, form, thread, bases, touched)
        elif not (thread.as_imported or _is_elsewhere(form, thread)):
            yield _own(scene, form, thread)
    for item in scene.state.unverified:
        fact = item.fact
        if fact.fact.kind == form.kind and not item.superseded_by and flaw(fact.fact) is None:
            lone = Thread(
                kind=form.kind, document=fact.document, origin=fact.id, facts=(fact,), standing=(fact,), kept=()
            )
            yield _own(scene, form, lone, unverified=True)


def _is_elsewhere(form: Form, thread: Thread) -> bool:
    return any(kept.type in form.elsewhere and kept.resource is not None for kept in thread.kept)


def flat(elements: Mapping[str, Json]) -> Elements:
    """Elements with each choice under its own name."""
    made: Elements = {}
    for name, value in elements.items():
        if name.endswith("[x]"):
            made |= value if isinstance(value, dict) else {}
        else:
            made[name] = value
    return without_empty(made)


def value_of(fact: PlacedFact, key: str) -> Value:
    """What stands under a payload key."""
    return fact.fact.payload.get(key)


def _own(scene: Scene, form: Form, thread: Thread, *, unverified: bool = False) -> Made:
    type_ = form.type_of(thread)
    shown = Shown(type=type_, thread=thread, head=form.head(thread.standing), unverified=unverified)
    name = thread_id(type_, thread.origin)
    content: Content = {"resourceType": type_, "id": name}
    if unverified:
        content["meta"] = {"security": [dict(UNVERIFIED)]}
    return Made(content=content | flat(form.elements(scene, shown)), address=urn(name), facts=thread.standing)


def _overlays(
    scene: Scene, form: Form, thread: Thread, bases: Sequence[Kept], touched: Collection[str]
) -> Iterator[Made]:
    for number, base in enumerate(bases):
        shown = Shown(type=base.type, thread=thread, head=form.head(thread.standing), base=base)
        if number and form.retired is not None and not thread.as_imported:
            changes = form.retired[base.type]
        else:
            elements, wanted = form.elements(scene, shown), _changed(form, shown, touched)
            changes = {name: elements.get(name) for name in wanted}
        yield Made(content=overlaid(base, changes), address=address_of(base), facts=thread.standing, keys=(base.key,))


def _changed(form: Form, shown: Shown, touched: Collection[str]) -> tuple[str, ...]:
    """The elements that say something else than the imported resource stated; what is left out changes nothing."""
    before, now = shown.before, shown.head.fact.payload
    changed = [
        name
        for keys, names in form.groups
        if any(key in now and now[key] != before.get(key) for key in keys)
        for name in names
    ]
    always = () if shown.thread.as_imported else form.always
    several = form.unsettled if len(shown.thread.standing) > 1 else ()
    return tuple(dict.fromkeys((*changed, *always, *several, *touched)))
