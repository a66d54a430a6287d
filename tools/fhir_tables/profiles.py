"""The profiles that ship with R4: what each demands beyond its resource type.

Owns the trees of the table's `profiles`, one per profile. A tree follows the elements; a node holds only what differs
from the type's own definition. What cannot be judged within one resource, as slices that are told apart by what a
reference leads to, is left out and named in `unjudged`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tools.fhir_tables.package import Definitions, Element, Resource, name_of
from tools.fhir_tables.types import Interned, binding_of, member_types, rule_keys

_EVERYWHERE: Final = frozenset({"ele-1", "ext-1"})

Node = dict[str, Any]
"""A node of a tree; `edge_runtime/fhir/validation/profile_defs.py` says what each key means."""


def profiles_of(definitions: Definitions, interned: Interned, bindings: set[str]) -> dict[str, Any]:
    """All profiles of resource types, by canonical address; the value sets that they bind are added to `bindings`."""
    return {
        url: _Tree(structure, definitions, interned, bindings).profile()
        for url, structure in sorted(definitions.structures.items())
        if structure.get("derivation") == "constraint" and structure["kind"] == "resource"
    }


def extensions_of(definitions: Definitions, interned: Interned, bindings: set[str]) -> dict[str, Any]:
    """All definitions of extensions, as profiles of Extension, by the address that is an extension's `url`."""
    return {
        url: _Tree(structure, definitions, interned, bindings).profile()
        for url, structure in sorted(definitions.structures.items())
        if structure.get("derivation") == "constraint" and structure["type"] == "Extension"
    }


class _Tree:
    """One profile."""

    def __init__(self, structure: Resource, definitions: Definitions, interned: Interned, bindings: set[str]) -> None:
        base = definitions.structures[f"http://hl7.org/fhir/StructureDefinition/{structure['type']}"]
        self._base: dict[str, Element] = {each["path"]: each for each in base["snapshot"]["element"]}
        self._structure = structure
        self._definitions = definitions
        self._interned = interned
        self._bindings = bindings
        self._nodes: dict[str, Node] = {}
        self._slicing: dict[str, Mapping[str, Any]] = {}
        self._unjudged: list[str] = []

    def profile(self) -> dict[str, Any]:
        """The profile's row."""
        for element in self._structure["snapshot"]["element"]:
            if "slicing" in element:
                self._slicing[element["id"]] = element["slicing"]
            self._nodes[element["id"]] = self._node(element)
        root = self._structure["type"]
        tree = self._assembled(root)
        rules = sorted(
            [each["path"], self._interned.rule(rule)]
            for each in self._structure["snapshot"]["element"]
            if ":" not in each["id"]
            for rule in self._new_rules(each)
        )
        return {
            "name": self._structure["id"],
            "type": root,
            "tree": tree,
            "rules": rules,
            "unjudged": sorted(self._unjudged),
        }

    def _node(self, element: Element) -> Node:
        node: Node = {}
        base = element["base"]
        path = element["path"]
        if "." in path:
            if element["min"] > base["min"] or (":" in element["id"].rpartition(".")[2] and element["min"]):
                node["min"] = element["min"]
            if element["max"] != "*" and element["max"] != base["max"]:
                node["max"] = int(element["max"])
        for key, value in element.items():
            if key.startswith(("fixed", "pattern")):
                node["fixed" if key.startswith("fixed") else "pattern"] = value
        if "contentReference" not in element and "." in path:
            binding = binding_of(element)
            if binding and binding != binding_of(self._defined(base["path"])):
                node["codes"] = binding
                self._bindings.add(binding)
            node |= self._narrowed(element, self._base.get(path) or self._defined(base["path"]))
        return node

    def _defined(self, path: str) -> Element:
        """The element definition at a path of a resource type or a data type."""
        structure = self._definitions.structures[f"http://hl7.org/fhir/StructureDefinition/{path.partition('.')[0]}"]
        (found,) = [each for each in structure["snapshot"]["element"] if each["path"] == path]
        return dict(found)

    def _narrowed(self, element: Element, original: Element) -> Node:
        node: Node = {}
        now = member_types(element, self._definitions, backbone=False)
        before = member_types(original, self._definitions, backbone=False)
        name = element["path"].rpartition(".")[2]
        if name.endswith("[x]"):
            stem = name.removesuffix("[x]")
            allowed = {code for code, _, _ in now}
            node["as"] = [stem + code[0].upper() + code[1:] for code, _, _ in before if code in allowed]
            node["not_as"] = [stem + code[0].upper() + code[1:] for code, _, _ in before if code not in allowed]
        targets = {target for _, _, each in now for target in each}
        if targets and targets != {target for _, _, each in before for target in each}:
            node["targets"] = sorted(targets)
        return node

    def _new_rules(self, element: Element) -> Iterator[Mapping[str, Any]]:
        original = self._base.get(element["path"], {})
        known = {each["key"] for each in original.get("constraint", [])} | _EVERYWHERE
        for stated in original.get("type", []):
            for name in [stated["code"], *map(name_of, stated.get("profile", []))]:
                known |= rule_keys(name, self._definitions)
        if original:
            yield from (each for each in element.get("constraint", []) if each["key"] not in known)

    def _assembled(self, identity: str) -> Node:
        """A node with its members and slices, without those that demand nothing."""
        node = dict(self._nodes[identity])
        members: dict[str, Node] = {}
        for child in self._children(identity):
            name = child[len(identity) + 1 :]
            stem, _, part = name.partition(":")
            if not part:
                members[name] = self._assembled(child)
            elif stem.endswith("[x]") and part.startswith(stem.removesuffix("[x]")):
                typed = self._assembled(child)
                members[part] = {key: typed[key] for key in typed.keys() - {"as", "not_as"}}
            elif f"{identity}.{stem}" not in self._slicing and self._base_max(child) == "1":
                members[stem] = self._assembled(child)  # a name for the one element there is
        if slices := [each for each in self._slices(identity) if each]:
            node["slices"] = slices
        if members := {name: each for name, each in sorted(members.items()) if _demands(each)}:
            node["members"] = members
        return node

    def _children(self, identity: str) -> Iterator[str]:
        start = f"{identity}."
        yield from (each for each in self._nodes if each.startswith(start) and "." not in each[len(start) :])

    def _base_max(self, identity: str) -> str:
        path = ".".join(part.partition(":")[0] for part in identity.split("."))
        return str(self._base.get(path, {}).get("max", "*"))

    def _slices(self, identity: str) -> Iterator[Node]:
        slicing = self._slicing.get(identity)
        start = f"{identity}:"
        names = [each for each in self._nodes if each.startswith(start) and "." not in each[len(start) :]]
        if slicing is None:
            self._unjudged.extend(each for each in names if self._base_max(each) != "1")
            return
        for name in names:
            made = self._assembled(name)
            matches = [self._match(name, made, each) for each in slicing["discriminator"] if each["type"] != "type"]
            if any(each is None for each in matches):
                self._unjudged.append(name)
            elif matches:
                yield made | {"name": name[len(start) :], "match": matches}

    def _match(self, identity: str, node: Node, discriminator: Mapping[str, str]) -> list[Any] | None:
        """Where a slice is told from the others, and by which value: `[path, value]`."""
        path = discriminator["path"]
        if path == "url":
            (element,) = [each for each in self._structure["snapshot"]["element"] if each["id"] == identity]
            if profiles := element["type"][0].get("profile"):
                return [["url"], profiles[0]]
        parts = [] if path == "$this" else path.split(".")
        found = next(_values(node, parts), None)
        return None if found is None else [parts, found]


def _values(node: Node, parts: list[str]) -> Iterator[Any]:
    """The fixed values and patterns at a path below a node, inner slices included."""
    for inner in [node, *node.get("slices", [])]:
        for key in ("fixed", "pattern"):
            if key in inner and not parts:
                yield inner[key]
        if parts and (member := inner.get("members", {}).get(parts[0])):
            yield from _values(member, parts[1:])


def _demands(node: Node) -> bool:
    return bool(node.keys() - {"as", "not_as"}) or bool(node.get("not_as"))
