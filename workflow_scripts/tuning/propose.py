"""Propose the next rows of the table of tuned values from the certificates, and with --write put them there.

Prints a line per tuned row: certified, the move to its best neighbour, or incomplete. The next `snakemake tuning`
then trains the neighbours that are new. Repeated until all rows are certified:

    status=3; while [ $status = 3 ]; do
      snakemake --cores all tuning && python -m workflow_scripts.tuning.propose --config-file config.yaml \\
        --scale laptop --certificates results/laptop/tuning/certificates --write; status=$?; done

This ends: evaluations stay as they are and a move goes to a strictly smaller loss, so no row returns to earlier
values, and a grid has finitely many. Exit status: 0 all certified, 3 rows to move, 4 none but incomplete ones, 1 error.
"""

import argparse
import csv
import io
import sys
from pathlib import Path

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import write_text
from workflow_scripts.config.load import parse_settings, read_config, with_own_table
from workflow_scripts.config.models import Config
from workflow_scripts.config.runs import Hyperparameters, Run
from workflow_scripts.tuning.certificate import Certificate, read_certificate
from workflow_scripts.tuning.neighbourhood import centres, neighbours

MOVED, INCOMPLETE = 3, 4


def current_certificate(config: Config, centre: Run, folder: Path) -> Certificate | None:
    """The certificate of a centre; None when it is missing, or compares with neighbours on another grid."""
    path = folder / f"{centre.run_id}.json"
    if not path.exists():
        return None
    found = read_certificate(path)
    current = [run.run_id for run in neighbours(config, centre)] == [each.run_id for each in found.neighbours]
    return found if current else None


def line(centre: Run, found: Certificate | None) -> str:
    """What there is to say of one tuned row."""
    if not found:
        return f"incomplete  {centre.run_id}: no certificate for its neighbours; call `snakemake tuning`"
    if better := found.better:
        return f"move        {centre.run_id}: {_step(found)}, loss {found.loss_nats:.4f} to {better.loss_nats:.4f} nats"
    remarks = "".join(f"; {remark}" for remark in [*found.edges, found.note] if remark)
    return f"certified   {centre.run_id}: loss {found.loss_nats:.4f} nats{remarks}"


def with_moves(text: str, found: list[Certificate]) -> str:
    """The table of tuned values with the rows of these certificates moved; all other rows stay as they are written."""
    moves = {each.centre.applies_to: each for each in found}
    lines = list(io.StringIO(text, newline=""))
    reader = csv.reader(lines)
    header = next(reader)
    end = reader.line_num
    pieces = lines[:end]
    for content in reader:
        written, end = "".join(lines[end : reader.line_num]), reader.line_num
        row = dict(zip(header, content, strict=True)) if content else None
        move = moves.get(Hyperparameters.model_validate(row).applies_to) if row else None
        pieces.append(_moved(row, move, written) if move else written)
    return "".join(pieces)


def _moved(row: dict[str, str], found: Certificate, written: str) -> str:
    better = found.better
    loss = f"loss {found.loss_nats:.4f} to {better.loss_nats:.4f} nats"
    origin = f"moved from {_step(found)} ({loss}) by the neighbourhood search"
    values = row | {better.axis: str(better.value), "origin": origin}
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=written[len(written.rstrip("\r\n")) :]).writerow(values.values())
    return text.getvalue()


def _step(found: Certificate) -> str:
    """The move in words, such as `real_epochs 8 to 16`."""
    axis, value = found.better.axis, found.better.value
    return f"{axis} {getattr(found.centre, axis):g} to {value:g}"


def chosen_config(arguments: argparse.Namespace) -> Config:
    """The config of the command line, at its scale."""
    if arguments.config:
        config = parse_settings(Config, arguments.config)
    else:
        config = with_own_table(read_config(arguments.config_file), Path(arguments.config_file).parent)
    return config.model_copy(update={"scale": arguments.scale}) if arguments.scale else config


def main(arguments: argparse.Namespace) -> None:
    """Print a line per tuned row, write the moves if asked to, and exit with what is left to do."""
    config = chosen_config(arguments)
    found = {run: current_certificate(config, run, Path(arguments.certificates)) for run in centres(config)}
    print(*(line(run, each) for run, each in found.items()), sep="\n")
    moves = [each for each in found.values() if each and each.better]
    if moves and arguments.write:
        with open(config.hyperparameters, newline="", encoding="utf-8") as table:
            text = table.read()
        write_text(config.hyperparameters, with_moves(text, moves))
        print(f"{config.hyperparameters}: {len(moves)} rows moved; the next `snakemake tuning` tests them")
    sys.exit(MOVED if moves else INCOMPLETE if None in found.values() else 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--config", help="JSON of the whole config")
    source.add_argument("--config-file", help="config.yaml")
    parser.add_argument(
        "--scale",
        choices=list(Config.model_fields["scales"].annotation.__args__[0].__args__),
        help="none: the config's",
    )
    parser.add_argument("--certificates", required=True, help="folder of the certificates")
    parser.add_argument("--write", action="store_true", help="move the rows in the table of tuned values")
    run_command(main, parser)
