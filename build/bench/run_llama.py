"""One measurement of llama.cpp.

usage: run_llama.py MODEL.gguf PROMPT GEN THREADS; prints {"prefill": …, "decode": …}
in tokens a second.
"""

import json
import sys
import time

import numpy as np
import llama_cpp
from llama_cpp import Llama

path, prompt, gen, threads = sys.argv[1], *map(int, sys.argv[2:5])
llm = Llama(path, n_ctx=prompt + gen + 8, n_batch=512, n_threads=threads, n_threads_batch=threads, verbose=False)
tokens = [(i * 7919 + 13) % 100000 for i in range(prompt)]
llm.eval(tokens[:8])  # maps the weights and wakes the threads
llm.reset()
start = time.perf_counter()
llm.eval(tokens)
first = time.perf_counter()
for i in range(gen - 1):
    logits = llama_cpp.llama_get_logits_ith(llm.ctx, -1)
    llm.eval([int(np.argmax(np.ctypeslib.as_array(logits, (llm.n_vocab(),))))])
end = time.perf_counter()
print(json.dumps({"prefill": prompt / (first - start), "decode": (gen - 1) / (end - first)}))
