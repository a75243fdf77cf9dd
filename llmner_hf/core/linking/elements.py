"""Symbols of elements, ions and simple salts: ``Pb``, ``Ca(2+)``, ``CaCl2``.

In: the string of a mention. Out: its name in words, or None. A symbol is a letter or two, so it is
looked at only where nothing else fits.
"""

from __future__ import annotations

import re

_CHARGE = re.compile(r"\s*(?:\(\s*)?\d*[+\-−–]{0,3}\d*(?:\s*\))?")
_TABLE = """
H hydrogen He helium Li lithium Be beryllium B boron C carbon N nitrogen O oxygen F fluorine Ne neon
Na sodium Mg magnesium Al aluminum Si silicon P phosphorus S sulfur Cl chlorine Ar argon K potassium
Ca calcium Sc scandium Ti titanium V vanadium Cr chromium Mn manganese Fe iron Co cobalt Ni nickel
Cu copper Zn zinc Ga gallium Ge germanium As arsenic Se selenium Br bromine Kr krypton Rb rubidium
Sr strontium Y yttrium Zr zirconium Nb niobium Mo molybdenum Tc technetium Ru ruthenium Rh rhodium
Pd palladium Ag silver Cd cadmium In indium Sn tin Sb antimony Te tellurium I iodine Xe xenon
Cs cesium Ba barium La lanthanum Ce cerium Gd gadolinium W tungsten Re rhenium Os osmium Ir iridium
Pt platinum Au gold Hg mercury Tl thallium Pb lead Bi bismuth Po polonium Rn radon Ra radium
Th thorium U uranium Pu plutonium
"""
ELEMENTS: dict[str, str] = dict(re.findall(r"(\S+) (\S+)", _TABLE))
ANIONS: dict[str, str] = dict(
    re.findall(
        r"(\S+) (\S+)",
        "Cl chloride Br bromide I iodide F fluoride O oxide OH hydroxide SO4 sulfate NO3 nitrate "
        "CO3 carbonate HCO3 bicarbonate PO4 phosphate",
    )
)
_SALT = re.compile(rf"([A-Z][a-z]?|NH4)\d?({'|'.join(sorted(ANIONS, key=len, reverse=True))})\d?")


def spoken(mention: str) -> str | None:
    """What a symbol or a formula is called.

    >>> spoken("Ca(2+)"), spoken("Pb"), spoken("CaCl(2)"), spoken("CA")
    ('calcium', 'lead', 'calcium chloride', None)
    """
    letters = re.match("[A-Z][a-z]?", mention)
    if letters and letters[0] in ELEMENTS and _CHARGE.fullmatch(mention, letters.end()):
        return ELEMENTS[letters[0]]
    salt = _SALT.fullmatch(re.sub(r"[()\s]", "", mention))
    if salt is None:
        return None
    cation = "ammonium" if salt[1] == "NH4" else ELEMENTS.get(salt[1])
    return f"{cation} {ANIONS[salt[2]]}" if cation else None
