"""A graph of facts as a tree of text: what hangs below something is drawn where it is first met."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Node:
    """Some lines of text and the names of the nodes below."""

    lines: list[str]
    below: list[str] = field(default_factory=list)


def draw(nodes: dict[str, Node], root: str) -> Iterator[str]:
    """Lines of the tree below a node, itself first."""
    yield from nodes[root].lines
    yield from _below(nodes, root, "", {root})


def _below(nodes: dict[str, Node], name: str, indent: str, seen: set[str]) -> Iterator[str]:
    below = nodes[name].below
    for place, child in enumerate(below):
        is_last = place == len(below) - 1
        first, *more = nodes[child].lines
        branch = f"{indent}{'└─ ' if is_last else '├─ '}"
        if child in seen:
            yield f"{branch}{child} (above)"
            continue
        yield f"{branch}{first}"
        seen.add(child)
        deeper = indent + ("   " if is_last else "│  ")
        yield from (f"{deeper}{'│  ' if nodes[child].below else '   '}{line}" for line in more)
        yield from _below(nodes, child, deeper, seen)
