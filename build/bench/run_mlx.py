"""One measurement of mlx-lm with float32 arithmetic.

usage: run_mlx.py MODEL PROMPT GEN; prints {"prefill": …, "decode": …} in tokens a
second. Prefill is the time to the first token, decode that of those after it.
"""

import json
import sys
import time

import mlx.core as mx
from mlx_lm.generate import generate_step
from mlx_lm.utils import load_model
from pathlib import Path

path, prompt, gen = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
model, _ = load_model(path)
# The bfloat16 the file holds is emulated on a CPU and some eight times slower.
model.set_dtype(mx.float32)
mx.eval(model.parameters())
tokens = mx.array([(i * 7919 + 13) % 100000 for i in range(prompt)])
start = time.perf_counter()
times = []
for token, _ in generate_step(tokens, model, max_tokens=gen, sampler=lambda x: mx.argmax(x, axis=-1)):
    times.append(time.perf_counter())
print(json.dumps({"prefill": prompt / (times[0] - start), "decode": (len(times) - 1) / (times[-1] - times[0])}))
