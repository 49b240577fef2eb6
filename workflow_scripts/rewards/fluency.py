"""What can be counted in a text to tell well-edited prose from raw or damaged text; means, never sums.

Means do not grow with a text's length, so that length alone gives no score.
"""

import re

import numpy as np

from workflow_scripts.rewards.sentences import sentences, words
from workflow_scripts.rewards.word_order import WordOrder

WINDOW_WORDS = 40
FUNCTION_WORDS = """
    the of and to in a is that for was on are as with by it be at from this an or which has were not have its had but
    their one also been they his can more other who than these such into when some may would there after all most
    between during two only about first no he she her him them we will if so then while where what through
"""
SPEECH = "i you my your me we us our mine yours i'm you're don't i've"
FUNCTION_SET, SPEECH_SET = frozenset(FUNCTION_WORDS.split()), frozenset(SPEECH.split())
NAMES = (
    "word_order", "function_words", "word_letters", "sentence_words", "ended", "capitalised", "capitals", "digits",
    "marks", "variety", "repeated_sentences", "repeated_trigrams", "speech", "web", "fragments", "neighbours",
)  # fmt: skip


def fluency(text: str, order: WordOrder, vectors: np.ndarray) -> np.ndarray:
    """float64 [16] in the order of NAMES; NaN where a measure has nothing to measure, as for a single sentence.

    `vectors`: float [sentences, width] of norm 1, of the text's sentences.
    """
    parts, own = sentences(text), words(text)
    if not own:
        return np.full(len(NAMES), np.nan)
    lower, letters = [word.lower() for word in own], sum(map(len, own))
    return np.array(
        [
            order.mean_ratio(text),
            np.mean([word in FUNCTION_SET for word in lower]),
            letters / len(own),
            np.log(len(own) / len(parts)),
            np.mean([bool(re.search(r"[.!?:][\"')\]”’]*$", part)) for part in parts]),
            np.mean([bool(re.match(r"[\"'(\[“‘]*[A-Z0-9]", part)) for part in parts]),
            sum(map(str.isupper, text)) / letters,
            sum(map(str.isdigit, text)) / letters,
            len(re.findall(r"[^\w\s.,;:'\"()’‘“”?!-]", text)) / len(own),
            _variety(lower),
            1 - len(set(map(str.lower, parts))) / len(parts),
            _repeated(lower),
            np.mean([word in SPEECH_SET for word in lower]),
            len(re.findall(r"https?:|www\.|[@#]\w|[|>]{1,2}(?:\s|$)", text)) / len(parts),
            np.mean([len(part.split()) < 5 for part in parts]),
            np.mean((vectors[:-1] * vectors[1:]).sum(1)) if len(parts) > 1 else np.nan,
        ],
        dtype=np.float64,
    )


def _variety(lower: list[str]) -> float:
    """Share of different words, averaged over windows of 40 words; NaN for a shorter text."""
    starts = range(0, len(lower) - WINDOW_WORDS + 1, WINDOW_WORDS // 4)
    found = [len(set(lower[first : first + WINDOW_WORDS])) / WINDOW_WORDS for first in starts]
    return float(np.mean(found)) if found else float("nan")


def _repeated(lower: list[str]) -> float:
    """Share of sequences of three words that came before within 100 words."""
    triples = list(zip(lower, lower[1:], lower[2:], strict=False))
    seen = [triple in triples[max(0, place - 100) : place] for place, triple in enumerate(triples)]
    return float(np.mean(seen)) if seen else 0.0
