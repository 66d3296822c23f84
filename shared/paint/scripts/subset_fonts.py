"""Makes public/fonts/SpyhopSans-*.{otf,woff2} from Debian's fonts-inter (OFL-1.1).

    apt-get install fonts-inter && pip install fonttools brotli
    python shared/paint/scripts/subset_fonts.py

Subset to Latin, the Greek letters and the symbols that units and axes need; figures are tabular by
default, so that running numbers stand still on a canvas too. The family gets a name of its own: it
is a modified version, and an installed Inter must not take its place.
"""

import pathlib

from fontTools import subset
from fontTools.ttLib import TTFont

SOURCE = pathlib.Path("/usr/share/fonts/opentype/inter")
TARGET = pathlib.Path(__file__).parents[3] / "public" / "fonts"
FAMILY = "Spyhop Sans"
SYMBOLS = "µμΔΩαβγδλπσφω–—‘’“”•…′″⁻¹²³⁴√∞≈≠≤≥−×÷±°·←↑→↓€"
CHARACTERS = [*range(0x20, 0x7F), *range(0xA0, 0x180), *map(ord, SYMBOLS)]


def make(weight: str) -> None:
    font = TTFont(SOURCE / f"Inter-{weight}.otf")
    tabular_figures(font)
    options = subset.Options()
    options.layout_features = ["kern", "mark", "mkmk", "ccmp"]
    options.hinting = False
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.notdef_outline = True
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=CHARACTERS)
    subsetter.subset(font)
    style = {"Regular": "Regular", "SemiBold": "SemiBold"}[weight]
    for record in font["name"].names:
        text = {1: FAMILY, 2: style, 3: f"{FAMILY} {style}", 4: f"{FAMILY} {style}"}
        text[6] = f"{FAMILY.replace(' ', '')}-{style}"
        if record.nameID in text:
            record.string = text[record.nameID]
    top = font["CFF "].cff
    top.fontNames = [f"{FAMILY.replace(' ', '')}-{style}"]
    for flavour, ending in ((None, "otf"), ("woff2", "woff2")):
        font.flavor = flavour
        path = TARGET / f"SpyhopSans-{style}.{ending}"
        font.save(path)
        print(path.name, path.stat().st_size, "bytes")


def tabular_figures(font: TTFont) -> None:
    """Points the digits at their tabular forms."""
    gsub = font["GSUB"].table
    forms = {}
    for record in gsub.FeatureList.FeatureRecord:
        if record.FeatureTag == "tnum":
            for index in record.Feature.LookupListIndex:
                for table in gsub.LookupList.Lookup[index].SubTable:
                    forms |= getattr(table, "ExtSubTable", table).mapping
    for table in font["cmap"].tables:
        for code in range(ord("0"), ord("9") + 1):
            if code in table.cmap:
                glyph = table.cmap[code]
                # Some tables share their characters: those are turned already.
                table.cmap[code] = forms.get(glyph, glyph)


if __name__ == "__main__":
    for weight in ("Regular", "SemiBold"):
        make(weight)
