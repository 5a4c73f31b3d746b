"""python3 scripts/pin_tensorflow_wheels.py 2.21.0 [2.20.0 ...] > main/service/tensorflow-setup/pinned-wheels.json

Writes down which wheels a version of TensorFlow is set up from, with their hashes and sizes. pip chooses the wheels, fetches
them and compares them with the hashes of the package index; several GB go through a temporary folder. Standard library only.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

# The libraries do not depend on the Python of a wheel: any that all these versions have.
PYTHON = "3.12"
# Newest C library that wheels may ask for. The set-up reads from a wheel's name which one it needs.
GLIBC_MINOR = 31
# Beside what TensorFlow asks for: cuDNN 9.10 is the last one for Pascal and Volta cards (NVIDIA's support matrix).
NARROWER = {"nvidia-cudnn-cu12": "<9.11"}
VARIANTS = {
    ("linux-x64", "cpu"): ("tensorflow-cpu", "x86_64"),
    ("linux-x64", "gpu"): ("tensorflow", "x86_64"),
    # There the wheel without CUDA has the plain name.
    ("linux-arm64", "cpu"): ("tensorflow", "aarch64"),
}


def fetch(requirements, arch, folder):
    platforms = [f"manylinux_2_{minor}_{arch}" for minor in range(GLIBC_MINOR, 16, -1)] + [f"manylinux2014_{arch}"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir", "--only-binary=:all:"]
    command += ["--python-version", PYTHON, "--dest", str(folder)]
    for platform in platforms:
        command += ["--platform", platform]
    subprocess.run(command + requirements, check=True)


def cuda_requirements(wheel):
    with zipfile.ZipFile(wheel) as archive:
        name = next(each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        lines = archive.read(name).decode().splitlines()
    required = [line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist: ")]
    found = [each.split(";")[0].strip() for each in required if 'extra == "and-cuda"' in each]
    return [",".join([each] + [limit for name, limit in NARROWER.items() if each.startswith(name)]) for each in found]


def library_bytes(wheel):
    """Of what the set-up takes out of a wheel, apart from headers, which are small."""
    with zipfile.ZipFile(wheel) as archive:
        return sum(
            entry.file_size
            for entry in archive.infolist()
            if entry.filename.startswith("tensorflow/libtensorflow")
            or (entry.filename.startswith("nvidia/") and entry.filename.split("/")[2:3] == ["lib"])
        )


def described(wheel):
    name, version = wheel.name.split("-")[:2]
    with wheel.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "name": name.replace("_", "-"),
        "version": version,
        "file": wheel.name,
        "sha256": sha256,
        "bytes": wheel.stat().st_size,
        "unpackedBytes": library_bytes(wheel),
    }


def wheels_of(version, name, arch, with_cuda):
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        fetch([f"{name}=={version}"], arch, folder)
        if with_cuda:
            fetch(cuda_requirements(next(folder.glob("*.whl"))), arch, folder)
        found = [described(wheel) for wheel in folder.glob("*.whl")]
    # TensorFlow first; of the others only those with libraries to load.
    libraries = [each for each in found if each["unpackedBytes"] > 0]
    return sorted(libraries, key=lambda each: (each["name"] != name, each["name"]))


pinned = {}
for version in sys.argv[1:]:
    for (machine, variant), (name, arch) in VARIANTS.items():
        print(f"{version} {machine} {variant}", file=sys.stderr)
        try:
            wheels = wheels_of(version, name, arch, variant == "gpu")
        except subprocess.CalledProcessError:
            print("  has no wheel", file=sys.stderr)
            continue
        pinned.setdefault(version, {}).setdefault(machine, {})[variant] = wheels
json.dump(pinned, sys.stdout, indent=2)
print()
