"""Times scipy.signal.spectrogram and, where it can be imported, torch.stft: Hann in float32, 1024/512
and 2048/512, on one thread and on two. Prints one JSON object, million samples a second.

Usage: python3 bench_stft.py   (needs numpy and scipy)
"""

import json
import sys
import threading
import time

import numpy as np
from scipy import signal

SAMPLES = 1 << 20
AT_LEAST_S = 1.5


def rate(work, threads=1):
    """Best of many pieces, so that what else runs on the machine does not count; summed over threads."""
    together = threading.Barrier(threads)
    best = [float("inf")] * threads

    def run(i):
        work()
        together.wait()
        begun = time.perf_counter()
        while time.perf_counter() - begun < AT_LEAST_S:
            piece = time.perf_counter()
            work()
            best[i] = min(best[i], time.perf_counter() - piece)

    running = [threading.Thread(target=run, args=(i,)) for i in range(threads)]
    for t in running:
        t.start()
    for t in running:
        t.join()
    return round(sum(SAMPLES / b for b in best) / 1e6, 1)


x = np.random.default_rng(1).standard_normal(SAMPLES).astype(np.float32)
rates = {}
for nfft in (1024, 2048):
    def scipy_work():
        signal.spectrogram(
            x, 192e3, window="hann", nperseg=nfft, noverlap=nfft - 512, detrend=False
        )

    for threads in (1, 2):
        rates[f"{nfft} scipy {threads}"] = rate(scipy_work, threads)

try:
    import torch
except ImportError:
    print("torch can't be imported: torch.stft is left out", file=sys.stderr)
else:
    y = torch.from_numpy(x)
    for nfft in (1024, 2048):
        window = torch.hann_window(nfft)

        def torch_work():
            z = torch.stft(y, nfft, 512, window=window, center=False, return_complex=True)
            return z.real.square() + z.imag.square()

        for threads in (1, 2):
            torch.set_num_threads(threads)
            # torch divides one call among its threads.
            rates[f"{nfft} torch {threads}"] = rate(torch_work)

print(json.dumps(rates))
