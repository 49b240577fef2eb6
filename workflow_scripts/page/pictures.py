"""The page's figures: each picture and the CSV of what it shows, inlined; and why other figures are not here."""

import base64
import struct
import xml.etree.ElementTree as xml
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from workflow_scripts.config.models import Scale
from workflow_scripts.figures.catalogue import COMPARISON, FIGURES, MIXTURES, SYNPRO

SVG_UNIT_PX, PNG_DOT_PX = 96 / 72, 96 / 200  # matplotlib's points, and dots of the style's 200 dpi, on a screen
TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".csv": "text/csv"}


@dataclass(frozen=True)
class Picture:
    """A figure as it is shown: addresses that hold the files themselves."""

    name: str
    title: str
    paper: str
    image: str
    width: int  # pixels on a screen, so that nothing moves while the page loads
    height: int
    table: str | None  # CSV
    rows: int


def pictures(folders: Sequence[Path], names: Iterable[str]) -> list[Picture]:
    """Figures of the catalogue that are in some folders, each from the first that has it."""
    images = {name: _image(folders, name) for name in names}
    return [_picture(name, image) for name, image in images.items() if image]


def missing(folders: Sequence[Path], scale: Scale, unshipped: Callable[[str], str]) -> dict[str, str]:
    """Titles of the figures that are not shown, each with the reason; none of a paper that the scale has no part of.

    unshipped: why a figure can't be drawn of what is shipped; empty where it can.
    """
    own = {SYNPRO: scale.synpro, MIXTURES: scale.mixtures, COMPARISON: scale.comparison}
    there = (name for name, figure in FIGURES.items() if own.get(figure.paper, True))
    absent = [name for name in there if not _image(folders, name)]
    return {FIGURES[name].title: scale.left_out.get(name) or unshipped(name) or "not drawn yet" for name in absent}


def address(path: Path) -> str:
    """A file as a data: address."""
    return f"data:{TYPES[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _image(folders: Sequence[Path], name: str) -> Path | None:
    candidates = [folder / f"{name}{suffix}" for folder in folders for suffix in (".svg", ".png")]
    return next((path for path in candidates if path.exists()), None)


def _picture(name: str, image: Path) -> Picture:
    table = image.with_suffix(".csv")
    rows = len(table.read_text(encoding="utf-8").splitlines()) - 1 if table.exists() else 0
    figure, own = FIGURES[name], address(table) if table.exists() else None
    return Picture(name, figure.title, figure.paper, address(image), *size_of(image), own, rows)


def size_of(image: Path) -> tuple[int, int]:
    """Width and height in pixels of a screen: an SVG's box, or what a PNG's first chunk begins with."""
    if image.suffix == ".png":
        return tuple(round(dots * PNG_DOT_PX) for dots in struct.unpack(">II", image.read_bytes()[16:24]))
    box = xml.parse(image).getroot().attrib["viewBox"].split()
    return tuple(round(float(length) * SVG_UNIT_PX) for length in box[2:])
