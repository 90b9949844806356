"""Every plot again and again, in a process of its own, whose memory tells."""

import json
import subprocess
import sys

from security.rows import Files, Measured, Row, measured
from security.target import ROOT

PROGRAM = """
import io, json, sys
import pandas as pd
from tagifai.charts import chart_bars, chart_columns, chart_diffs
from tagifai.charts.curves import chart_lines, chart_precision_recall
from tagifai.plots import plot_diffs, plot_history, plot_tag_distribution

times = int(sys.argv[1])
row = {"diff": 0.1, "a": 0.4, "b": 0.5, "low": 0.0, "high": 0.2, "verdict": "better", "support": 7}
diffs = [{"name": f"tag {i}", **row} for i in range(12)]
bars = [(f"tag {i}", 40.0 - i) for i in range(12)]
frame = pd.DataFrame({"overall f1": [0.5, 0.6, 0.7]}, index=["v1", "v2", "v3"])
point = {"threshold": 0.5, "precision": 0.5, "recall": 0.5, "f1": 0.5}

def draw():
    for figure in (
        plot_tag_distribution(pd.Series(dict(bars)), 1),
        plot_history(frame),
        plot_diffs(pd.DataFrame(diffs), "f1", "v1", "v2"),
    ):
        figure.savefig(io.BytesIO(), format="svg")
    chart_bars(bars, title="x", unit="y", empty="")
    chart_columns(bars, title="x", x_label="x", y_label="y", empty="")
    chart_diffs(diffs, title="x", name_a="a", name_b="b", empty="")
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
    folder = files.folder
    times = 500 if full else 5
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(times)], cwd=ROOT, capture_output=True, text=True,
        env={"OMP_NUM_THREADS": "1", "PATH": "", "MPLCONFIGDIR": str(folder)},
    )  # fmt: skip
    if done.returncode:
        return measured("it failed", [done.stderr[-300:]])
    grown, still_open = json.loads(done.stdout)
    wrong = [f"memory grew by {grown:.0f} MB"] if grown > 50 else []
    wrong += [f"{still_open} figures are open"] if still_open else []
    return measured(f"{times} redraws of 7 plots: memory +{grown:.1f} MB, {still_open} open", wrong)


ROWS = [
    Row("drawing", "500 redraws of every plot", "growth under 50 MB, no open figure",
        measure_drawing),
]  # fmt: skip
