#!/usr/bin/env python3
"""Asks lm-evaluation-harness for the log-likelihoods of one task twice: through
its local-completions model from `qwill serve --mode exact`, and from mlx-lm on
the same folder, in float32. Fails when one differs by more than 5e-4, or when
the better of two answers is another.

    check.py FOLDER URL KEY MODEL     build/lm-eval/run.sh calls it
"""

import os
import sys
from pathlib import Path

import lm_eval
import mlx.core as mx
import yaml
from lm_eval.api.task import ConfigurableTask
from lm_eval.models.openai_completions import LocalCompletionsAPI
from mlx.utils import tree_map
from mlx_lm.evaluate import MLXLM

HERE = Path(__file__).parent
LIMIT = 5e-4  # of the sum over an answer's tokens: 1e-4 a token


def samples(model):
    config = yaml.safe_load((HERE / "facts.yaml").read_text())
    config["dataset_kwargs"] = {"data_files": {"test": str(HERE / "facts.jsonl")}}
    task = ConfigurableTask(config=config)
    out = lm_eval.evaluate(lm=model, task_dict={"qwill_facts": task}, log_samples=True, bootstrap_iters=0)
    rows = sorted(out["samples"]["qwill_facts"], key=lambda s: s["doc_id"])
    values = [[(float(r[0][0]), str(r[0][1]) == "True") for r in s["resps"]] for s in rows]
    return values, out["results"]["qwill_facts"]["acc,none"]


def main():
    folder, url, key, name = sys.argv[1:]
    os.environ["OPENAI_API_KEY"] = key
    served = LocalCompletionsAPI(
        base_url=url + "/completions", model=name, tokenizer=folder, tokenizer_backend="huggingface", num_concurrent=1)
    got, got_acc = samples(served)
    reference = MLXLM(folder, max_tokens=64)
    reference._model.update(tree_map(lambda p: p.astype(mx.float32) if mx.issubdtype(p.dtype, mx.floating) else p,
                                     reference._model.parameters()))
    want, want_acc = samples(reference)
    worst, bad = 0.0, 0
    for i, (g, w) in enumerate(zip(got, want, strict=True)):
        for k, (a, b) in enumerate(zip(g, w, strict=True)):
            worst = max(worst, abs(a[0] - b[0]))
            if not abs(a[0] - b[0]) <= LIMIT or a[1] != b[1]:
                bad += 1
                print(f"document {i}, answer {k}: {a} from Qwill, {b} from mlx-lm")
        print(f"{i:3d} " + " ".join(f"{a[0]:10.5f}" for a in g) + "   " + " ".join(f"{b[0]:10.5f}" for b in w))
    print(f"{sum(map(len, want))} log-likelihoods, apart by at most {worst:.2g}; accuracy {got_acc:.4f} and {want_acc:.4f}")
    if bad or got_acc != want_acc:
        sys.exit(1)


main()
