# What was seen, by scipy and matplotlib alone:  pip install numpy scipy matplotlib soundfile
#   python view.py                 fetches the samples, prints what was measured, and draws view.png
#   python view.py recording.flac  takes them from that file instead
import io
import json
import sys
import urllib.request

import matplotlib
import numpy as np
from scipy import fft, signal

#PARAMETERS#


def samples():
    """One channel of the stretch FIRST to LAST; NaN where nothing was recorded."""
    return np.asarray(fetched(), dtype=float)


def fetched():
    """The same as it comes."""
    if len(sys.argv) > 1:
        import soundfile
        heard, _ = soundfile.read(sys.argv[1], dtype="float32", always_2d=True,
                                  start=FIRST_FRAME, stop=FIRST_FRAME + LAST - FIRST)
        return heard[:, CHANNEL]
    with urllib.request.urlopen(SAMPLES_URL) as answer:
        content = io.BytesIO(answer.read())
    if IS_NUMPY:
        return np.load(content)[:, 0]
    import soundfile
    heard, _ = soundfile.read(content, dtype="float32", always_2d=True)
    return heard[FIRST:LAST, CHANNEL]


def window():
    """The window's coefficients."""
    if WINDOW == "hann-sym":
        return signal.get_window("hann", WINDOW_SAMPLES, fftbins=False)
    if WINDOW.startswith("kaiser"):
        return signal.get_window(("kaiser", float(WINDOW[6:])), WINDOW_SAMPLES)
    return signal.get_window(WINDOW, WINDOW_SAMPLES)


def gain(hz):
    """Power of pressure over power of full scale; outside of a table nothing is known."""
    if CALIBRATION_DB is None:
        return np.ones_like(hz)
    if np.isscalar(CALIBRATION_DB):
        return np.full_like(hz, 10 ** (CALIBRATION_DB / 10))
    at, db = np.array(CALIBRATION_DB).T
    inside = np.interp(np.log10(np.maximum(hz, 1e-9)), np.log10(at), db)
    return np.where((hz >= at[0]) & (hz <= at[-1]), 10 ** (inside / 10), 0.0)


def power(heard):
    """Frequencies, times and power as the picture shows it."""
    taper = window()
    heard = np.pad(heard, (0, max(0, WINDOW_SAMPLES - len(heard))))
    step = (len(heard) - WINDOW_SAMPLES) // HOP_SAMPLES + 1
    frames = np.lib.stride_tricks.sliding_window_view(heard, WINDOW_SAMPLES)[::HOP_SAMPLES][:step]
    two_sided = np.abs(np.fft.rfft(frames * taper, FFT_SIZE)) ** 2
    scale = (taper ** 2).sum() * RATE_HZ if SCALING == "density" else taper.sum() ** 2
    two_sided[:, 1:(FFT_SIZE + 1) // 2] *= 2
    hz = np.fft.rfftfreq(FFT_SIZE, 1 / RATE_HZ)
    times = (np.arange(step) * HOP_SAMPLES + WINDOW_SAMPLES / 2) / RATE_HZ
    return hz, times, two_sided.T / scale * gain(hz)[:, None]


def measure(everything):
    """What Spyhop measures of the selection, with its context."""
    heard = everything[CONTEXT[0] - FIRST:CONTEXT[1] - FIRST]
    centred = np.where(np.isfinite(heard), heard - np.nanmean(heard), 0.0)
    length = fft.next_fast_len(len(centred), real=True)
    spectrum = fft.rfft(centred, length)
    hz = np.arange(len(spectrum)) * RATE_HZ / length
    spectrum *= np.sqrt(gain(hz)) * ((hz >= BAND_HZ[0]) & (hz <= BAND_HZ[1]))
    inside = slice(SELECTED[0] - CONTEXT[0], SELECTED[1] - CONTEXT[0])
    band = fft.irfft(spectrum, length)[:len(centred)][inside]
    known = np.isfinite(heard[inside])
    total = (band ** 2).sum()
    share = np.concatenate([[0.0], np.cumsum(band ** 2)]) / total
    time = [np.interp(part, share, np.arange(len(share))) for part in (0.05, 0.95)]
    bins, _, frames = power(centred[inside])
    if len(band) >= WINDOW_SAMPLES:
        # A frame counts where its centre was recorded.
        frames = frames[:, known[np.arange(frames.shape[1]) * HOP_SAMPLES + WINDOW_SAMPLES // 2]]
    mean = frames.mean(axis=1)
    allowed = np.flatnonzero((bins >= BAND_HZ[0]) & (bins <= BAND_HZ[1]) & (np.arange(len(bins)) >= 2))
    top = allowed[np.argmax(mean[allowed])]
    peak_hz, peak_db = bins[top], 10 * np.log10(mean[top])
    if top + 1 < len(mean):
        left, right = 10 * np.log10(mean[[top - 1, top + 1]])
        bend = left - 2 * peak_db + right
        if bend < 0 and peak_db >= max(left, right):
            offset = 0.5 * (left - right) / bend
            peak_hz, peak_db = (top + offset) * bins[1], peak_db - 0.25 * (left - right) * offset
    measures = {
        "rms_db": 10 * np.log10(total / known.sum()),
        "peak_db": 20 * np.log10(np.abs(band).max()),
        "exposure_db": 10 * np.log10(total / RATE_HZ),
        "duration_90_s": (time[1] - time[0]) / RATE_HZ,
        "peak_hz": peak_hz,
        "peak_density_db": peak_db,
    }
    return {name: float(value) for name, value in measures.items()}


def draw(heard):
    """The picture, with clock or elapsed time below."""
    matplotlib.use("Agg")
    from matplotlib import pyplot
    shown = slice(SHOWN[0] - FIRST, SHOWN[1] - FIRST)
    hz, times, level = power(np.nan_to_num(heard[shown]))
    if FLATTENED:
        level = level / np.median(level, axis=1, keepdims=True)
    figure, axes = pyplot.subplots(figsize=(12, 6), dpi=150)
    mesh = axes.pcolormesh(times, hz, 10 * np.log10(np.maximum(level, 1e-30)), cmap=COLOURS,
                           vmin=RANGE_DB[0], vmax=RANGE_DB[1], shading="nearest", rasterized=True)
    axes.set(title=TITLE, xlabel=f"Time (s) since {START}", ylabel="Frequency (Hz)",
             ylim=(max(SHOWN_HZ[0], 1.0) if AXIS == "log" else SHOWN_HZ[0], SHOWN_HZ[1]),
             yscale="log" if AXIS == "log" else "linear")
    figure.colorbar(mesh, label=UNIT)
    figure.savefig("view.png")
    pyplot.close(figure)


if __name__ == "__main__":
    HEARD = samples()
    print(json.dumps(measure(HEARD), indent=2))
    draw(HEARD)
