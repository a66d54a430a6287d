"""UCUM: what is a unit, what it is called, and what converts into what."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
import ucumvert
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from ucumvert.parser import get_ucum_parser
from ucumvert.xml_util import root

from edge_runtime.cli.code_units import convert as command
from edge_runtime.codes import ucum
from edge_runtime.codes.ucum_faults import CHARS_MAX, DEPTH_MAX, EXPONENT_MAX
from edge_runtime.errors import InputError, RefusedError

VENDORED = Path(ucumvert.__file__).parent / "vendor"
NOT_IN_THE_TABLE = {"Torr"}
"""Among UCUM's published examples, and not in its table 2.2."""


def published():
    """UCUM's table of example codes for electronic messaging."""
    rows = (VENDORED / "ucum_examples.tsv").read_text("utf-8").splitlines()[1:]
    return [row.split("\t")[1].strip() for row in rows]


def reason(code):
    """Why a code is none."""
    judged = ucum.SYSTEM.check(code)
    assert not judged.valid
    return judged.reason


def test_every_published_example_is_a_unit():
    """UCUM's own table of examples is valid but for the one that its definitions lack."""
    codes = published()
    assert len(codes) > 800
    assert {code for code in codes if not ucum.SYSTEM.check(code).valid} == NOT_IN_THE_TABLE


@pytest.mark.parametrize(
    ("code", "display"),
    [
        ("mg/dL", "milligram per deciliter"),
        ("10*3/uL", "10^3 per microliter"),
        ("mm[Hg]", "millimeter of mercury column"),
        ("/min", "per minute"),
        ("[iU]/mL", "international unit per milliliter"),
        ("kg.m/s2", "kilogram meter per second^2"),
        ("Cel", "degree Celsius"),
        ("{score}", "1"),
        ("daar", "dekaare"),
    ],
)
def test_a_unit_is_named(code, display):
    """A valid unit is called as the table calls its parts."""
    assert ucum.SYSTEM.check(code) == (True, display, "a unit of UCUM 2.2", None)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("", "nothing was given"),
        ("\N{MICRO SIGN}g", "micro is written u"),
        ("mg / dL", "a space"),
        ("m\n", "a space"),
        ("m\x00", "outside visible ASCII"),
        ("{a", "braces"),
        ("{a{b}}", "braces"),
        ("(m", "parentheses"),
        ("m)(", "parentheses"),
        ("m//s", "operator"),
        ("m/", "operator"),
        ("(m)(s)", "operator"),
        ("m^2", "exponents"),
        ("m**2", "exponents"),
        ("m0", "grammar"),
        ("MG/DL", "UCUM writes dL or dl"),
        ("mmHg", "UCUM writes mm[Hg]"),
        ("mcg", "UCUM writes ug"),
        ("k[lb_av]", "takes none"),
        ("pounds", "does not have"),
        ("Cel/h", "stands in no product"),
        ("2.Cel", "stands in no product"),
        ("/[degF]-1", "stands in no product"),
    ],
)
def test_what_is_no_unit_is_told_why(code, why):
    """Each way to be wrong has its reason: characters, braces, operators, case, prefix, name."""
    assert why in reason(code)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("m" * 10_000, "longer than"),
        ("m" + "1" * 11, "exponent"),
        (f"m{EXPONENT_MAX + 1}", "exponent"),
        ("9" * 13 + ".m", "factor"),
        ("(" * (DEPTH_MAX + 1) + "m" + ")" * (DEPTH_MAX + 1), "inside each other"),
    ],
)
def test_what_would_cost_is_refused_before_it_is_parsed(code, why):
    """Length, depth, exponents and factors have limits, so that no code costs time or memory."""
    assert why in reason(code)


@given(st.text(alphabet="mgLs[]{}()./^*0123456789+-% \N{MICRO SIGN}kKdDaA'_", max_size=CHARS_MAX + 10))
def test_any_text_gets_an_answer(code):
    """A judgement never raises, and a reason is never empty and never repeats what was given."""
    judged = ucum.SYSTEM.check(code)
    assert judged.reason
    assert judged.valid == (judged.reason == "a unit of UCUM 2.2")


def calls_of(code):
    """How many functions are called while a code is judged that nobody asked about before."""
    calls = 0

    def count(_frame, event, _argument):
        nonlocal calls
        calls += event in {"call", "c_call"}

    ucum._unit.cache_clear()
    sys.setprofile(count)
    try:
        ucum.SYSTEM.check(code)
    finally:
        sys.setprofile(None)
    return calls


def test_the_longest_code_costs_in_proportion_to_its_length():
    """A character of the worst codes within the limits costs little more than one of a short product does."""
    ucum.SYSTEM.check("m")
    short = "mm.mm.mm.mm"
    each = calls_of(short) / len(short)
    worst = [".".join(["dam99"] * 21), "(" * DEPTH_MAX + "/".join(["mm2"] * 27) + ")" * DEPTH_MAX, "m" * CHARS_MAX]
    for code in worst:
        assert calls_of(code) / len(code) <= 3 * each, len(code)


@pytest.mark.parametrize(
    ("value", "unit", "to", "result"),
    [
        ("98.6", "[degF]", "Cel", "37"),
        ("37", "Cel", "[degF]", "98.6"),
        ("-40", "Cel", "[degF]", "-40"),
        ("36.6", "Cel", "K", "309.75"),
        ("80", "[degRe]", "Cel", "100"),
        ("500", "mCel", "Cel", "0.5"),
        ("120", "mm[Hg]", "kPa", "15.99864"),
        ("100", "mg/dL", "g/L", "1"),
        ("5", "10*3/uL", "10*9/L", "5"),
        ("1", "g%", "g/L", "10"),
        ("1", "[Cal]", "J", "4184"),
        ("60", "'", "deg", "1"),
        ("1", "[lb_av]", "kg", "0.45359237"),
        ("1", "U/L", "nmol/(s.L)", "16.6666666666666667"),
        ("5", "m[iU]/mL", "[IU]/L", "5"),
        ("50", "%", "1", "0.5"),
        ("7", "mg{creatinine}", "ug", "7000"),
        ("7.4", "[pH]", "[pH]", "7.4"),
    ],
)
def test_conversion_is_exact(value, unit, to, result):
    """Factors are the published ones, offsets included; only a fraction that no decimal holds is rounded."""
    assert ucum.convert(Decimal(value), unit, to) == Decimal(result)


@pytest.mark.parametrize(
    ("unit", "to", "why"),
    [
        ("kg", "m", "different things"),
        ("mg/dL", "mmol/L", "molar mass"),
        ("meq/L", "mmol/L", "charge"),
        ("mosm/kg", "mmol/kg", "parts"),
        ("[iU]", "mg", "arbitrary"),
        ("[iU]", "[USP'U]", "arbitrary"),
        ("[pH]", "mol/L", "scale of its own"),
        ("dB", "1", "scale of its own"),
        ("[hp'_X]", "1", "scale of its own"),
        ("1", "mol", "different things"),
    ],
)
def test_what_depends_on_more_than_units_is_refused(unit, to, why):
    """A conversion that needs the substance, a procedure or a logarithm is refused with that reason, either way."""
    for one, other in ((unit, to), (to, unit)):
        with pytest.raises(RefusedError) as refused:
            ucum.convert(Decimal(1), one, other)
        assert (refused.value.code, why in refused.value.got) == ("not_convertible", True)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1E+41", "1E-41", "1" * 41])
def test_a_value_has_limits(value):
    """A number that is none, or that would take memory, is refused."""
    with pytest.raises(InputError, match="number"):
        ucum.convert(Decimal(value), "m", "m")


def test_a_code_that_is_none_is_refused_with_its_reason():
    """The refusal names which of the two is wrong and why, and never what was given."""
    with pytest.raises(InputError) as refused:
        ucum.convert(Decimal(1), "m", "Smith, John")
    assert "as to" in refused.value.expected
    assert "Smith" not in str(refused.value)


class Oracle:
    """Factor and base units of a unit, computed from the published table by other means than pint's."""

    def __init__(self):
        """Take the table's rows."""
        self.rows = {one.get("Code"): one for one in root.findall("{*}unit")}
        self._parser = get_ucum_parser()
        self._prefixes = {
            one.get("Code"): Fraction(one.find("{*}value").get("value")) for one in root.findall("{*}prefix")
        }
        bases = ("m", "s", "g", "rad", "K", "C", "cd", "mol", "eq", "osm")
        self._known = {code: (Fraction(1), {code: 1}) for code in bases}

    def atom(self, code):
        """Of one unit."""
        if code not in self._known:
            row, value = self.rows[code], self.rows[code].find("{*}value")
            if row.get("isArbitrary") == "yes" and value.get("Unit") == "1":
                self._known[code] = (Fraction(1), {code: 1})
            else:
                factor, powers = self._meaning(self._parser.parse(value.get("Unit")))
                self._known[code] = (factor * Fraction(value.get("value")), powers)
        return self._known[code]

    def _meaning(self, node):
        parts, kind = list(getattr(node, "children", ())), getattr(node, "data", None)
        if kind == "simple_unit":
            return self._simple(parts)
        if kind == "annotatable":
            factor, powers = self._meaning(parts[0])
            return factor ** int(parts[1]), {key: power * int(parts[1]) for key, power in powers.items()}
        if len(parts) == 3:
            return times(self._meaning(parts[0]), self._meaning(parts[2]), 1 if parts[1] == "." else -1)
        if len(parts) == 2 and getattr(parts[0], "type", "") == "DIVIDE":
            return times((Fraction(1), {}), self._meaning(parts[1]), -1)
        return self._meaning(parts[0]) if parts else (Fraction(1), {})

    def _simple(self, parts):
        if parts[-1].type == "FACTOR":
            return Fraction(int(parts[-1])), {}
        factor, powers = self.atom(str(parts[-1]))
        return factor * (self._prefixes[str(parts[0])] if len(parts) > 1 else 1), powers


def times(left, right, sign):
    """A product, or a quotient."""
    powers = {key: left[1].get(key, 0) + sign * right[1].get(key, 0) for key in left[1] | right[1]}
    return left[0] * right[0] ** sign, {key: power for key, power in powers.items() if power}


def test_every_factor_is_the_published_one():
    """Each of the table's units that is a multiple converts to base units by the table's own numbers, exactly."""
    oracle = Oracle()
    multiples = [code for code, row in oracle.rows.items() if row.get("isSpecial") != "yes"]
    assert len(multiples) > 250
    for code in multiples:
        factor, powers = oracle.atom(code)
        base = ".".join(unit if power == 1 else f"{unit}{power}" for unit, power in sorted(powers.items())) or "1"
        assert ucum.exactly(Decimal(1), code, base) == factor, code


VALUES = st.decimals(min_value="-1000000", max_value="1000000", places=4)
GROUPS = (("mg/dL", "g/L", "ug/mL", "kg/m3"), ("Cel", "[degF]", "K", "[degRe]"), ("[in_i]", "cm", "[mi_i]", "m"))


@given(VALUES, st.sampled_from(GROUPS).flatmap(lambda group: st.tuples(*[st.sampled_from(group)] * 3)))
def test_ways_agree(value, units):
    """Through another unit or directly, there and back: the same number, exactly."""
    first, second, third = units
    way = ucum.exactly(value, first, second)
    direct = ucum.exactly(value, first, third)
    back, exact = ucum.rounded(way)
    if exact and abs(back.adjusted()) < 30 and len(back.as_tuple().digits) <= 40:
        assert ucum.exactly(back, second, third) == direct
        assert ucum.exactly(back, second, first) == Fraction(value)


def test_nothing_heavy_is_loaded_before_a_unit_is_asked_about():
    """Importing the system loads neither pint nor ucumvert nor lark."""
    code = (
        "import sys, edge_runtime.codes.ucum, edge_runtime.cli.code_units\n"
        "print([name for name in ('pint', 'ucumvert', 'lark') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_without_the_extra_the_extra_is_named(monkeypatch):
    """An installation without pint or ucumvert says what to install, and nothing else fails."""
    monkeypatch.setitem(sys.modules, "edge_runtime.codes.ucum_table", None)
    ucum._table.cache_clear()
    ucum._unit.cache_clear()
    try:
        with pytest.raises(RefusedError) as refused:
            ucum.SYSTEM.check("mg")
    finally:
        ucum._table.cache_clear()
    assert (refused.value.code, "fieldward[units]" in refused.value.do) == ("extra_missing", True)


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["98.6", "[degF]", "Cel"], "37 Cel\n"),
        (["-40", "Cel", "[degF]"], "-40 [degF]\n"),
        (["1", "kg", "[lb_av]"], "2.20462262184877581 [lb_av]  (rounded)\n"),
        (["1e3", "mg", "g"], "1 g\n"),
        (
            ["1", "kg", "[lb_av]", "--json"],
            (
                '{"value": "1", "unit": "kg", "to": "[lb_av]", "result": "2.20462262184877581", "exact": false, '
                '"unit_display": "kilogram", "to_display": "pound"}\n'
            ),
        ),
    ],
)
def test_the_command_converts(arguments, shown):
    """`code convert` prints the number and its unit, and says where it rounded."""
    assert CliRunner().invoke(command, arguments, catch_exceptions=False).output == shown


def test_the_command_refuses_what_is_no_number():
    """Only a decimal number is a value."""
    found = CliRunner().invoke(command, ["1,5", "kg", "g"])
    assert isinstance(found.exception, InputError)
