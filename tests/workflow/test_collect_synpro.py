"""What is collected of SynPro's students and sets, worked out by hand from a folder of two students."""

import json
from pathlib import Path

import pytest

from workflow_scripts.config.synpro import SynPro
from workflow_scripts.evaluation.collect_synpro import Results, tables_of
from workflow_scripts.evaluation.synpro_tables import read_pack

SYNPRO = SynPro(
    student="tiny", organic_tokens=100, unique_tokens=200, seeds=[7],
    operations={"rephrase": {"prompt": "synpro_rephrase.v1"}},
    sets={
        "plain": {"title": "plain", "operation": "rephrase"},
        "first": {"title": "first", "operation": "rephrase", "student": "base", "rewards": {"influence": 1}},
        "joined": {"title": "joined", "stitches": "plain"},
        "unused": {"title": "unused", "operation": "rephrase"},
    },
    pretrainings={
        "base": {"title": "base", "role": "repetition", "steps": 10},
        "round": {"title": "round", "role": "round", "steps": 5, "start": "base", "sets": ["first", "joined"]},
    },
)  # fmt: skip


def write(path: Path, content: dict | str) -> None:
    """A file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.fixture
def folder(tmp_path) -> Path:
    """Results of two students: 1,280 tokens of organic text, then 640 of a pool of three streams."""
    for name, seen, before in (("base", ["organic"], 0), ("round", ["organic", "first", "joined"], 1024)):
        home = tmp_path / f"synpro/pretrainings/{name}-s7"
        steps = SYNPRO.pretrainings[name].steps
        metrics = {"steps": steps, "tokens": 128 * steps, "organic_epochs_seen": 2.5}
        write(home / "metrics.json", metrics | {f"{one}_stream_tokens": 100 * (n + 1) for n, one in enumerate(seen)})
        write(home / "throughput.json", {"flops_per_second": 6000.0, "tokens_per_second": 2.0})
        write(home / "plateau.json", {"step": 8, "tokens": 1024 + before, "reached": name == "base"})
        write(home / "evaluations.csv", f"step,tokens,reference,validation\n8,{1024 + before},3.0,2.0\n")
        part = f"8,{1024 + before},validation"
        write(
            home / "parts.csv", f"step,tokens,set,part,loss_sum_nats,predicted_tokens\n{part},0,10,5\n{part},3,30,15\n"
        )
        row = {"task": "piqa", "metric": "accuracy", "value": 0.5, "stderr": 0.1, "questions": 25}
        write(tmp_path / f"synpro/in_loop/{name}-s7.json", {"rows": [row]})
    for name, tokens in (("plain", 30), ("first", 50)):
        write(tmp_path / f"generations/{name}-0.0.json", {"tokens": tokens, "prompt_tokens": 70})
    home = tmp_path / "synpro/generators/first"
    write(home / "metrics.json", {"parameters": 1000, "prompt_tokens": 400, "generated_tokens": 100})
    write(home / "rewards.csv", "set,step,split,measure,mean,sd,n,excluded\nfirst,1,training,total,0.5,0.1,8,\n")
    columns = "set,pretraining,seed,step,tokens,texts,positive_share,mean_nats,sd_nats,gain_nats,gain_sd_nats"
    write(tmp_path / "synpro/influence/base.csv", f"{columns}\norganic,base,7,8,1024,5,0.6,0.1,0.2,,\n")
    columns = "set,title,operation,rewards,student,standardise,texts,ok,truncated,wrong_format,empty,tokens"
    columns += ",generated_tokens,frechet_distance,ngram_novelty,self_bleu,unigram_tail_coverage,unigram_entropy_bits"
    write(tmp_path / "synpro/sets.csv", f"{columns},copied_share\norganic,Organic,,{{}},,,5,5,0,0,0,100,,,,,,,\n")
    write(tmp_path / "rater/rater.csv", "name,value,n,note\nauc,0.9,10,\n")
    return tmp_path


def test_costs_and_tokens_by_hand(folder):
    """3,000 FLOPs a token; writing costs 2 x 1,000 x tokens, training a generator 10 x 1,000 x tokens."""
    rows = tables_of(Results(SYNPRO, folder), folder / "rater")["pretrainings"].set_index("pretraining")
    assert rows.loc["base", ["training_flops", "generation_flops", "synthetic_tokens"]].tolist() == [3000 * 1280, 0, 0]
    first, joined = 1000 * (2 * (50 + 70) + 10 * 500), 1000 * 2 * (30 + 70)
    assert rows.loc["round", "generation_flops"] == first + joined
    assert rows.loc["round", ["synthetic_tokens", "start_tokens", "start"]].tolist() == [200 + 300, 1024, "base"]
    assert rows["plateau_reached"].tolist() == [True, False]


def test_tables_are_a_pack(folder, tmp_path):
    """The reader checks columns, keys, and that parts add up to the evaluations."""
    (tmp_path / "pack").mkdir()
    for name, table in tables_of(Results(SYNPRO, folder), folder / "rater").items():
        table.to_csv(tmp_path / f"pack/{name}.csv", index=False)
    pack = read_pack(tmp_path / "pack")
    assert len(pack.evaluations) == 4 and len(pack.parts) == 4 and set(pack.in_loop["pretraining"]) == {"base", "round"}
