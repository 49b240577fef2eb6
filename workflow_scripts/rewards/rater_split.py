"""Which packaged texts the rater and the judge are trained on, and which are held out; cropped to like lengths."""

from dataclasses import dataclass

from workflow_scripts.common.seeds import named_fraction
from workflow_scripts.rewards import rater_texts
from workflow_scripts.rewards.fit_faithfulness import Pair
from workflow_scripts.rewards.fit_rater import crop, crop_words

HELD_OUT = 0.25  # of titles


@dataclass(frozen=True)
class Texts:
    """Texts to train on and to check with; `raw` are posts and tweets."""

    train: list[rater_texts.Passage]
    counted: list[rater_texts.Passage]  # for the model of word order, which so sees those above as it will see others
    held_out: list[str]
    raw: list[str]
    raw_held_out: dict[str, list[str]]
    news: list[str]
    pairs: list[Pair]
    entailments: list[Pair]


def read(benchmarks: str, orange: str, news: str, documents: int) -> Texts:
    """So many passages to train on, and the others in proportion. Raises UserError where a wheel can't be read."""
    passages, half, held = rater_texts.squad_passages(benchmarks), documents // 2, max(10, documents // 4)
    kept = [one for one in passages if named_fraction("rater", one.title) >= HELD_OUT]
    others = [one.text for one in passages if named_fraction("rater", one.title) < HELD_OUT]
    posts = [crop_words(text) for text in rater_texts.raw_texts(orange, "newsgroups")[: half + held]]
    tweets = [crop(text) for text in rater_texts.raw_texts(orange, "tweets")[: half + held]]
    return Texts(
        kept[:documents],
        kept[documents:],
        [crop(text) for text in others[:held]],
        posts[:half] + tweets[:half],
        {"newsgroups": posts[half:], "tweets": tweets[half:]},
        [crop(text) for text in rater_texts.news_texts(news)[:held]],
        rater_texts.paraphrases(benchmarks),
        rater_texts.entailments(benchmarks),
    )
