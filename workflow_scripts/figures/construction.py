"""How the streams are built of two documents A and B with G = 2: an illustration, drawn without data."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.style import SMALL, look, panels

WIDTH, HEIGHT = 100.0, 1.0  # of a strip, of a block
BASE = {"real": 0.0, "simple": -2.0, "stitched": -4.0, "latent": -6.6}  # heights of the strips
MARK = 0.7  # width of a BOS or EOS mark
GREY = "#555555"
REAL_A, REAL_B = ("real", "document A"), ("real", "document B")
TITLES = {
    "real": "Real stream, mixed into the batches of each stream below",
    "simple": "Simple: every rephrase is a row of its own; all rows shuffled",
    "stitched": "Stitched: all rephrases of a document, then the document itself",
    "latent": "Latent: a thought between the pieces of the document, all one row",
}
# Rows of a stream: each has its own BOS and EOS and holds blocks (kind, text).
STREAMS = {
    "real": [[REAL_A], [REAL_B]],
    "simple": [
        [("synthetic", "rephrase 2\nof B")], [REAL_A], [("synthetic", "rephrase 1\nof A")],
        [("synthetic", "rephrase 1\nof B")], [("synthetic", "rephrase 2\nof A")], [REAL_B],
    ],
    "stitched": [
        row for name, real in (("A", REAL_A), ("B", REAL_B))
        for row in ([("synthetic", f"rephrase 1\nof {name}")], [("synthetic", f"rephrase 2\nof {name}")], [real])
    ],
    "latent": [
        [("real", f"{name}, 1/3"), ("synthetic", "thought\n1"), ("real", f"{name}, 2/3"), ("synthetic", "thought\n2"),
         ("real", f"{name}, 3/3")]
        for name in "AB"
    ],
}  # fmt: skip
MEGADOCS = {"stitched": 3, "latent": 1}  # rows that one megadoc has
NOTE = (
    "Black: real text. Colour: what the generator wrote. Dark bar: BOS, light bar: EOS. A batch takes a share m of its "
    "sequences from a synthetic stream and the others from the real one; attention crosses rows within a sequence."
)


def blocks() -> pd.DataFrame:
    """A row per block: stream, row, kind, text, and its place [x, x + width] on the strip."""
    found = []
    for stream, rows in STREAMS.items():
        count = sum(map(len, rows))
        room = WIDTH / 3 * len(rows) / 2 if stream == "real" else WIDTH
        width, x = (room - 2 * MARK * len(rows)) / count, 0.0
        for i, row in enumerate(rows):
            x += MARK
            for kind, text in row:
                found.append({"stream": stream, "row": i, "kind": kind, "text": text, "x": x, "width": width})
                x += width
            x += MARK
    return pd.DataFrame(found)


def draw_strip(axes: Axes, stream: str, rows: pd.DataFrame, y: float) -> None:
    """One stream at height y: title, blocks, BOS and EOS of every row."""
    colour = look(stream).colour
    axes.text(0, y + HEIGHT + 0.18, TITLES[stream], color=colour, weight="bold", va="bottom")
    for _, block in rows.iterrows():
        fill = look("real").colour if block["kind"] == "real" else colour
        place = (block["x"], y)
        axes.add_patch(Rectangle(place, block["width"], HEIGHT, facecolor=fill, edgecolor="white", linewidth=1))
        centre = (block["x"] + block["width"] / 2, y + HEIGHT / 2)
        axes.text(*centre, block["text"], color="white", ha="center", va="center", fontsize=SMALL, linespacing=1.1)
    for _, own in rows.groupby("row"):
        end = own["x"].iloc[-1] + own["width"].iloc[-1]
        axes.add_patch(Rectangle((own["x"].iloc[0] - MARK, y), MARK, HEIGHT, facecolor=GREY, linewidth=0))
        axes.add_patch(Rectangle((end, y), MARK, HEIGHT, facecolor="#CCCCCC", linewidth=0))


def draw_bracket(axes: Axes, rows: pd.DataFrame, y: float, text: str) -> None:
    """A bracket under the blocks of one megadoc."""
    left, right = rows["x"].min() - MARK, (rows["x"] + rows["width"]).max() + MARK
    shape = {"color": GREY, "linewidth": 0.9}
    axes.plot([left + 0.3, left + 0.3, right - 0.3, right - 0.3], [y - 0.12, y - 0.25, y - 0.25, y - 0.12], **shape)
    axes.text((left + right) / 2, y - 0.32, text, color=GREY, fontsize=SMALL, ha="center", va="top")


def draw(_inputs: Inputs) -> Drawn:
    """The streams under each other."""
    table = blocks()
    figure, (axes,) = panels(1, height_mm=95, width_mm=165)
    axes.axis("off")
    for stream, y in BASE.items():
        rows = table[table["stream"] == stream]
        draw_strip(axes, stream, rows, y)
        if stream in MEGADOCS:
            for number, megadoc in rows.groupby(rows["row"] // MEGADOCS[stream]):
                draw_bracket(axes, megadoc, y, f"megadoc of {'AB'[number]}")
    axes.set_xlim(-0.5, WIDTH + 0.5)
    axes.set_ylim(min(BASE.values()) - 0.9, HEIGHT + 0.8)
    return Drawn(figure, table, NOTE, measured=False)


if __name__ == "__main__":
    figure_command("construction", draw, __doc__)
