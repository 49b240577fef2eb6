"""Write all texts of a method: its module's `write` gives them, this command gives it its tools and counts the cost."""

import argparse
import importlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.common.files import sha256, write_json
from workflow_scripts.common.hub import located
from workflow_scripts.config.comparison import Comparison, Method
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Generation, Llm
from workflow_scripts.corpus.documents import read_documents
from workflow_scripts.corpus.tokenizer import StudentTokenizer
from workflow_scripts.methods.asking import Asker
from workflow_scripts.methods.costs import Costs
from workflow_scripts.methods.text import Text, write_texts
from workflow_scripts.methods.tools import Tools

PACKAGE = "workflow_scripts.methods"


def writer_of(module: str) -> Callable[[Tools], Iterator[Text]]:
    """A module's function `write`. Raises UserError when there is no such module, or it has none."""
    try:
        found = importlib.import_module(f"{PACKAGE}.{module}")
    except ModuleNotFoundError as error:
        if error.name != f"{PACKAGE}.{module}":
            raise
        raise UserError(f"methods: no module workflow_scripts/methods/{module}.py; write it, or name another") from None
    if not callable(getattr(found, "write", None)):
        raise UserError(f"workflow_scripts/methods/{module}.py: it has no function `write(tools)`, which gives texts")
    return found.write


def tools_of(arguments: argparse.Namespace, method: Method, frame: Comparison) -> Tools:
    """What the method's author needs; others are not there."""
    costs, llm = Costs(), parse_settings(Llm, arguments.llm)
    generation = parse_settings(Generation, arguments.generation)
    asker = Asker(arguments, generation, llm, frame.max_new_tokens, costs) if method.author == "llm" else None
    author, early = (Path(folder) for folder in arguments.students) if arguments.students else (None, None)
    return Tools(
        name=arguments.name,
        settings=method.settings,
        documents=list(read_documents(arguments.documents)),
        passages=list(read_documents(arguments.passages)),
        texts=frame.texts,
        synthetic_tokens=frame.synthetic_tokens,
        tokenizer=StudentTokenizer(arguments.tokenizer),
        asker=asker,
        author=author,
        early=early,
        prior=Path(located("model", arguments.model, llm.revision)) if method.author == "prior" else None,
        context=frame.context,
        costs=costs,
    )


def record_of(arguments: argparse.Namespace, method: Method, tools: Tools, texts: list[Text]) -> dict:
    """What the table of arms says of the method: counts of texts by status and kind, costs, who wrote."""
    llm = json.loads(arguments.llm)
    by_student = {"model": "a student of the natural text", "revision": None}
    author = by_student if method.author == "student" else {name: llm.get(name) for name in ("model", "revision")}
    counts = {name: dict(sorted(Counter(getattr(t, name) for t in texts).items())) for name in ("status", "kind")}
    costs = {name: value for name, value in vars(tools.costs).items()}
    return {
        "method": arguments.name,
        **method.model_dump(),
        "generator": author,
        "documents": len(tools.documents),
        "documents_sha256": sha256(arguments.documents),
        "passages": len(tools.passages),
        "texts": len(texts),
        **counts,
        **costs,
        "notes": tools.notes,
    }


def main(arguments: argparse.Namespace) -> None:
    """Write the texts and, last, their record. Raises UserError for a module that is not there or writes nothing."""
    method, frame = parse_settings(Method, arguments.method), parse_settings(Comparison, arguments.comparison)
    write = writer_of(method.module)
    tools = tools_of(arguments, method, frame)
    try:
        texts = list(write(tools))
    finally:
        if tools.asker:
            tools.asker.job.end()
    if not texts:
        raise UserError(f"methods.{arguments.name}: its module gave no text for {len(tools.documents)} documents")
    write_texts(arguments.output, texts)
    record = record_of(arguments, method, tools, texts)
    write_json(Path(arguments.output).with_suffix(".json"), record)
    print(f"{arguments.name}: {len(texts):,} texts, {record['status']}; {tools.costs.flops:.2g} FLOPs")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="key of the method, which its seeds depend on")
    parser.add_argument("--method", required=True, help="JSON of its entry in `methods`")
    parser.add_argument("--comparison", required=True, help="JSON of the scale's `comparison` section")
    parser.add_argument("--generation", required=True, help="JSON of the scale's `generation` section")
    parser.add_argument("--llm", required=True, help="JSON of the generator's entry in `llms`")
    parser.add_argument("--model", required=True, help="folder or hub id of the generator's weights")
    parser.add_argument("--server", help="engine vllm-server: JSON file with the server's `url`")
    parser.add_argument("--students", nargs=2, help="folders of repetition's student and of the one stopped early")
    parser.add_argument("--documents", required=True, help="the scarce documents (Parquet)")
    parser.add_argument("--passages", required=True, help="their passages (Parquet)")
    parser.add_argument("--tokenizer", required=True, help="tokenizer.json")
    parser.add_argument("--journal", required=True, help="folder that finished batches are kept in")
    parser.add_argument("--output", required=True, help="the texts (Parquet); their record beside it (JSON)")
    run_command(main, parser)
