"""Runs every program in turn, round after round, and writes the medians and their
ratios. Alternating, because a shared machine's speed drifts over minutes: ratios
within a round are worth more than absolute figures."""

import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BIN = pathlib.Path(os.environ.get("QWILL_BENCH_BIN", ROOT / "build/bin"))


def out(*command, env=None):
    r = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env)
    if r.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{r.stderr[-2000:]}")
    return r.stdout


def qwill(model, mode, prompt, gen, home):
    env = {**os.environ, "QWILL_HOME": home}
    text = out(str(BIN / "qwill"), "bench", "-m", model, "--prompt", str(prompt), "--gen", str(gen),
               "--mode", mode, "--runs", "1", "--json", env=env)
    run = json.loads(text)["runs"][0]
    return {"prefill": run["prefill_tokens_per_second"], "decode": run["decode_tokens_per_second"]}


def machine():
    cpu = platform.machine()
    try:
        cpu = next(l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name"))
        family = next(l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("cpu family"))
        number = next(l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model\t"))
        cpu += f" (family {family}, model {number})"
    except (OSError, StopIteration):
        pass
    return f"{cpu}, {len(os.sched_getaffinity(0))} cores"


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--cache", required=True)
    p.add_argument("--mlx", required=True)
    p.add_argument("--llama", required=True)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--prompt", type=int, default=128)
    p.add_argument("--gen", type=int, default=64)
    p.add_argument("--long", type=int, default=512, help="the second prompt, for qwill and llama.cpp; 0: none")
    p.add_argument("--mlx-gen", type=int, default=12, help="mlx-lm's tokens: it writes about two a second")
    p.add_argument("--out", default=str(ROOT / "docs/bench"))
    a = p.parse_args()
    cache = pathlib.Path(a.cache).resolve()
    model, gguf = str(cache / "qwen3-0.6b-shape"), str(cache / "qwen3-0.6b-shape.gguf")
    threads = len(os.sched_getaffinity(0))
    results, loads = {}, []

    def record(name, prompt, r):
        results.setdefault((name, prompt), []).append(r)
        print(f"  {name}, prompt {prompt}: prefill {r['prefill']:.1f}, decode {r['decode']:.2f} tok/s", file=sys.stderr)

    with tempfile.TemporaryDirectory() as home:
        for n in range(a.rounds):
            loads.append(round(os.getloadavg()[0], 2))
            print(f"round {n + 1} of {a.rounds}, load {loads[-1]}", file=sys.stderr)
            for prompt in filter(None, (a.prompt, a.long)):
                for mode in ("fast", "exact"):
                    record("qwill " + mode, prompt, qwill(model, mode, prompt, a.gen, home))
                record("llama.cpp Q4_0", prompt,
                       json.loads(out(a.llama, str(HERE / "run_llama.py"), gguf, str(prompt), str(a.gen), str(threads))))
            record("mlx-lm float32", a.prompt,
                   json.loads(out(a.mlx, str(HERE / "run_mlx.py"), model, str(a.prompt), str(a.mlx_gen))))

    rows = [{"program": name, "prompt": prompt, "gen": a.mlx_gen if name.startswith("mlx") else a.gen,
             **{k: statistics.median(r[k] for r in runs) for k in ("prefill", "decode")},
             "rounds": runs} for (name, prompt), runs in results.items()]
    base = next(r for r in rows if r["program"].startswith("mlx"))
    for r in rows:
        r["prefill_ratio"], r["decode_ratio"] = r["prefill"] / base["prefill"], r["decode"] / base["decode"]
    commit = out("git", "rev-parse", "--short", "HEAD").strip()
    if out("git", "status", "--porcelain", "--", "engine", "app", "go.mod").strip():
        commit += " with changes"
    report = {
        "machine": machine(), "threads": threads, "commit": commit, "isa": isa(),
        "date": datetime.date.today().isoformat(), "load": loads,
        "versions": {"mlx-lm": version(a.mlx, "mlx-lm"), "mlx": version(a.mlx, "mlx"),
                     "llama-cpp-python": version(a.llama, "llama-cpp-python")},
        "model": "Qwen3-0.6B's shape, random weights: affine 4-bit, group 64, bfloat16 scales (qwill, mlx-lm); Q4_0 (llama.cpp)",
        "rows": rows,
    }
    folder = pathlib.Path(a.out)
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{datetime.date.today().isoformat()}-{report['isa']}"
    (folder / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n")
    (folder / f"{name}.md").write_text(markdown(report))
    print(markdown(report))


def isa():
    """The kernels qwill chose, from its own report."""
    with tempfile.TemporaryDirectory() as home:
        r = subprocess.run([str(BIN / "qwill"), "doctor"], capture_output=True, text=True,
                           env={**os.environ, "QWILL_HOME": home})
    for word in ("avx512vnni", "avx512", "avx2", "portable"):
        if f"kernels {word}" in r.stdout:
            return word
    return "unknown"


def version(python, package):
    return out(python, "-c", f"import importlib.metadata as m; print(m.version('{package}'))").strip()


def markdown(r):
    lines = [
        f"# Speed on {r['machine']}", "",
        f"{r['date']}, commit {r['commit']}, kernels {r['isa']}, {r['threads']} threads. {r['model']}.",
        f"mlx-lm {r['versions']['mlx-lm']} on MLX {r['versions']['mlx']}, computing in float32; "
        f"llama-cpp-python {r['versions']['llama-cpp-python']} built for this processor.",
        f"Medians of {len(r['load'])} alternating rounds; load average before each: {', '.join(map(str, r['load']))}. "
        "Ratios are to mlx-lm's row.", "",
        "| program | prompt | prefill tok/s | decode tok/s | prefill ratio | decode ratio |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for row in r["rows"]:
        lines.append(f"| {row['program']} | {row['prompt']} | {row['prefill']:.1f} | {row['decode']:.2f} "
                     f"| {row['prefill_ratio']:.1f} | {row['decode_ratio']:.1f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
