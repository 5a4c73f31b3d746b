"""Seconds that scikit-learn takes for K-Means fits of columns, one thread, with the settings of the authors' code.

python scikit_fits.py COLUMNS.f32 ROWS BITS   (float32, one column after another); prints a JSON object.
"""
import json
import os
import sys
import time

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"

import numpy as np
import sklearn
from sklearn.cluster import KMeans

path, rows, bits = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
columns = np.fromfile(path, dtype=np.float32).reshape(-1, rows)
seconds, error = [], 0.0
for column in columns:
    values = column.reshape(-1, 1)
    start = time.perf_counter()
    fit = KMeans(n_clusters=2**bits, n_init=1, random_state=10, max_iter=300, tol=1e-4).fit(values)
    seconds.append(time.perf_counter() - start)
    error += float(fit.inertia_)
print(json.dumps({"version": sklearn.__version__, "seconds": seconds, "error": error}))
