"""Measures a download over loopback with its hash: qwill against huggingface_hub's
snapshot_download, in turns, and against what the disk and one SHA-256 stream allow.

    go build -o /tmp/hub ./app/fetch/hubtest/hub
    python3 build/bench/download.py --hub /tmp/hub --qwill build/bin/qwill --python VENV/bin/python

VENV has huggingface_hub. Prints Markdown for docs/bench/download.md.
"""

import argparse, hashlib, json, os, platform, shutil, statistics, subprocess, tempfile, time

parser = argparse.ArgumentParser()
parser.add_argument("--hub", required=True)
parser.add_argument("--qwill", required=True)
parser.add_argument("--python", required=True)
parser.add_argument("--mib", type=int, default=1024)
parser.add_argument("--runs", type=int, default=5)
parser.add_argument("--dir", default=tempfile.gettempdir(), help="on the disk to measure")
a = parser.parse_args()

hub = subprocess.Popen([a.hub, "-huge", str(a.mib)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
url = json.loads(hub.stdout.readline())["url"]
size = a.mib << 20


def timed(f):
    start = time.perf_counter()
    f()
    return time.perf_counter() - start


def qwill(folder):
    models = os.path.join(folder, "models")
    os.makedirs(models)
    open(os.path.join(models, ".starter-removed"), "w").close()
    env = dict(os.environ, QWILL_HOME=folder, HF_ENDPOINT=url, no_proxy="*", HF_TOKEN="")
    subprocess.run([a.qwill, "models", "pull", "test/Huge"], env=env, check=True, capture_output=True)


def hugging(folder):
    env = dict(os.environ, HF_ENDPOINT=url, HF_HOME=folder, HF_HUB_DISABLE_XET="1", HF_HUB_DISABLE_TELEMETRY="1", no_proxy="*")
    code = "from huggingface_hub import snapshot_download; snapshot_download('test/Huge')"
    subprocess.run([a.python, "-c", code], env=env, check=True, capture_output=True)


def hugging_hashed(folder):
    """With the hash, which snapshot_download leaves out."""
    hugging(folder)
    for root, _, files in os.walk(folder):
        for name in files:
            path = os.path.join(root, name)
            if not os.path.islink(path):
                with open(path, "rb") as f:
                    hashlib.file_digest(f, "sha256")


def disk(folder):
    data = os.urandom(1 << 20)
    with open(os.path.join(folder, "x"), "wb") as f:
        for _ in range(a.mib):
            f.write(data)
        f.flush()
        os.fsync(f.fileno())


def sha(_):
    data = bytes(1 << 20)
    h = hashlib.sha256()
    for _ in range(a.mib):
        h.update(data)


ways = {"qwill models pull (hashed, synced)": qwill, "snapshot_download (neither)": hugging, "snapshot_download, then SHA-256": hugging_hashed,
        "disk: write and fsync": disk, "one SHA-256 stream": sha}
times = {name: [] for name in ways}
for _ in range(a.runs):
    for name, f in ways.items():
        folder = tempfile.mkdtemp(dir=a.dir)
        os.sync()  # what the last one left to write is not this one's
        try:
            times[name].append(timed(lambda: f(folder)))
        finally:
            shutil.rmtree(folder)
hub.stdin.close()
hub.wait()

version = subprocess.run([a.python, "-c", "import huggingface_hub; print(huggingface_hub.__version__)"], capture_output=True, text=True).stdout.strip()
commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.processor())
print(f"{a.mib} MiB in one file, {a.runs} runs in turns, median (least to most). {cpu}, {os.cpu_count()} cores; huggingface_hub {version}; commit {commit}; load {os.getloadavg()[0]:.1f}.\n")
print("| | s | MB/s |\n|---|---|---|")
rate = {}
for name, t in times.items():
    m = statistics.median(t)
    rate[name] = size / m / 1e6
    print(f"| {name} | {m:.2f} ({min(t):.2f}–{max(t):.2f}) | {rate[name]:.0f} |")
names = list(ways)
limit = min(rate[names[3]], rate[names[4]])
print(f"\nqwill reaches {rate[names[0]] / limit:.0%} of the slower of disk and hash, "
      f"{rate[names[0]] / rate[names[1]]:.2f} times snapshot_download, {rate[names[0]] / rate[names[2]]:.2f} times it with the hash.")
