"""Passages: documents cut at about 300 tokens, so that a small generator is asked for no more than it can rewrite.

[assumed] As WRAP (arXiv 2401.16380) does. A document of n tokens becomes round(n / 300) passages. Each cut is at the
paragraph end (a blank line) nearest to where equal parts would end, within a quarter of a part on either side; else
at the nearest sentence end there; else at the nearest blank; else between two tokens. White space stays at a passage's
end, so that the passages of a document are the document.
"""

import argparse
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.corpus.documents import read_documents, write_documents
from workflow_scripts.corpus.sample import prefix, with_tokens
from workflow_scripts.corpus.tokenizer import StudentTokenizer, groups_by_characters

PARAGRAPH_END = re.compile(r"\n[^\S\n]*\n\s*")
SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]]*\s+")
WORD_END = re.compile(r"\s+")
SLACK = 0.25  # of a part, on either side


def first_documents(path: str | Path, tokens: int) -> Iterator[dict]:
    """The first documents of a file that hold `tokens` tokens. Raises UserError at their end when all hold fewer."""
    have = 0
    for row in prefix(read_documents(path), tokens):
        have += row["tokens"]
        yield row
    if have < tokens:
        raise UserError(f"{path}: its documents hold {have:,} tokens, --tokens asks for {tokens:,}: ask for less")


def passages(text: str, spans: Sequence[tuple[int, int]], passage_tokens: int) -> list[str]:
    """A text in passages of about `passage_tokens` tokens; joined, they are the text.

    spans: character span of each of its tokens.
    """
    count = max(1, round(len(spans) / passage_tokens))
    size = len(spans) / count
    cuts = {0, len(text)}
    for part in range(1, count):
        cuts.add(_cut(text, *(spans[int((part + shift) * size)][0] for shift in (-SLACK, 0, SLACK))))
    return [text[start:end] for start, end in pairwise(sorted(cuts))]


def _cut(text: str, first: int, wanted: int, last: int) -> int:
    """Where to cut between two characters of a text, nearest to the one that is wanted."""
    for end in (PARAGRAPH_END, SENTENCE_END, WORD_END):
        if found := [match.end() for match in end.finditer(text, first, last)]:
            return min(found, key=lambda place: abs(place - wanted))
    return wanted


def passage_rows(rows: Iterable[dict], tokenizer: StudentTokenizer, passage_tokens: int) -> Iterator[dict]:
    """Passages as rows of documents, without tokens; passage 2 of document d is d#2, counted from 0."""
    for group in groups_by_characters(rows, lambda row: row["characters"]):
        for row, spans in zip(group, tokenizer.spans([row["text"] for row in group]), strict=True):
            for number, text in enumerate(passages(row["text"], spans, passage_tokens)):
                yield row | {"doc_id": f"{row['doc_id']}#{number}", "text": text, "characters": len(text)}


def main(arguments: argparse.Namespace) -> None:
    """Write the passages of the first documents."""
    tokenizer = StudentTokenizer(arguments.tokenizer)
    documents = first_documents(arguments.documents, arguments.tokens)
    rows = passage_rows(documents, tokenizer, arguments.passage_tokens)
    count = write_documents(arguments.output, with_tokens(rows, tokenizer))
    print(f"{count:,} passages")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", required=True, help="documents in nested order with token counts (Parquet)")
    parser.add_argument("--tokens", type=int, required=True, help="tokens of the documents that are cut")
    parser.add_argument("--passage-tokens", type=int, default=300, help="of a passage (default: %(default)s)")
    parser.add_argument("--tokenizer", required=True, help="tokenizer.json")
    parser.add_argument("--output", required=True, help="passages (Parquet, as documents)")
    run_command(main, parser)
