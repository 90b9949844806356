"""Every plot again and again, in processes of their own, whose memory tells."""

import json
import subprocess
import sys

import matplotlib
from security.rows import Files, Measured, Row, measured
from security.target import ROOT

ALL, QUICK = ("distribution", "history", "diffs", "charts"), ("history", "charts")
PROGRAM = """
import io, json, sys
import pandas as pd
from tagifai.charts import chart_bars, chart_columns, chart_diffs
from tagifai.charts.curves import chart_lines, chart_precision_recall
from tagifai.comparison.results import DiffRow
from tagifai.plots import plot_diffs, plot_history, plot_tag_distribution

times, plot = int(sys.argv[1]), sys.argv[2]
row = {"diff": 0.1, "a": 0.4, "b": 0.5, "low": 0.0, "high": 0.2, "verdict": "better", "support": 7}
diffs = [{"name": f"tag {i}", **row} for i in range(12)]
compared = [DiffRow(metric="f1", **one) for one in diffs]
bars = [(f"tag {i}", 40.0 - i) for i in range(12)]
frame = pd.DataFrame({"overall f1": [0.5, 0.6, 0.7]}, index=["v1", "v2", "v3"])
point = {"threshold": 0.5, "precision": 0.5, "recall": 0.5, "f1": 0.5}

PLOTS = {
    "distribution": lambda: plot_tag_distribution(pd.Series(dict(bars)), 1),
    "history": lambda: plot_history(frame),
    "diffs": lambda: plot_diffs(pd.DataFrame(diffs), "f1", "v1", "v2"),
}

def draw():
    if plot in PLOTS:
        PLOTS[plot]().savefig(io.BytesIO(), format="svg")
        return
    chart_bars(bars, title="x", unit="y", empty="")
    chart_columns(bars, title="x", x_label="x", y_label="y", empty="")
    chart_diffs(compared, title="x", name_a="a", name_b="b", empty="")
    chart_lines({"f1": [0.5, 0.6, 0.7]}, ["v1", "v2", "v3"], title="x", y_label="y", empty="")

def memory():
    for line in open("/proc/self/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024

for _ in range(min(5, times)):
    draw()
before = memory()
for _ in range(times):
    draw()
pyplot = sys.modules.get("matplotlib.pyplot")
print(json.dumps([memory() - before, len(pyplot.get_fignums()) if pyplot else 0]))
"""


def measure_drawing(files: Files, full: bool) -> Measured:
    times = 500 if full else 5
    # Which fonts there are is found out once, not anew for each.
    fonts = matplotlib.get_cachedir()
    variables = {"OMP_NUM_THREADS": "1", "PATH": "", "MPLCONFIGDIR": fonts}
    drawing = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(times), plot], cwd=ROOT, env=variables, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for plot in (ALL if full else QUICK)
    ]  # fmt: skip
    grown, still_open, wrong = 0.0, 0, []
    for process in drawing:
        told, error = process.communicate()
        if process.returncode:
            wrong.append(f"it failed: {error[-300:]}")
            continue
        more, left = json.loads(told)
        grown, still_open = grown + more, still_open + left
    wrong += [f"memory grew by {grown:.0f} MB"] if grown > 50 else []
    wrong += [f"{still_open} figures are open"] if still_open else []
    return measured(
        f"{times} redraws of {7 if full else 5} plots: memory +{grown:.1f} MB, {still_open} open",
        wrong,
    )


ROWS = [
    Row("drawing", "500 redraws of every plot", "growth under 50 MB, no open figure",
        measure_drawing),
]  # fmt: skip
