"""Print vLLM's log-probabilities of given tokens under an exported student (run as a process of its own)."""

import json
import os
import sys

os.environ.update(VLLM_ENABLE_V1_MULTIPROCESSING="0", VLLM_CPU_KVCACHE_SPACE="1", VLLM_LOGGING_LEVEL="ERROR")


def main(folder: str, ids: list[int]) -> None:
    """Log-probability of each token after the first."""
    from vllm import LLM, SamplingParams

    llm = LLM(folder, dtype="float32", enforce_eager=True, max_model_len=64, max_num_seqs=2)
    sampling = SamplingParams(max_tokens=1, prompt_logprobs=0, temperature=0)
    output = llm.generate([{"prompt_token_ids": ids}], sampling, use_tqdm=False)[0]
    rows = zip(ids[1:], output.prompt_logprobs[1:], strict=True)
    print("LOGPROBS " + json.dumps([row[token].logprob for token, row in rows]))


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
