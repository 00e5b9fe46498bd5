"""NVIDIA's own CUDA provider for the tests of ONNX models on devices, for those who have no GPU: it is run over CUDA's runtime of the
tests (`tests/softcudart`). Of a wheel on PyPI (250 MB), pinned by hash; it is opened by a test and never shipped.

    python3 tools/onnxruntime_gpu.py fetch    fetches it, and prints where it is: NEREID_ONNXRUNTIME_GPU
    python3 tools/onnxruntime_gpu.py cached   the variable if it is fetched already, for a shell
"""

import sys

import cache
import fetch

RUNTIME = fetch.Wheel(
    "onnxruntime-gpu",
    "1.28.0",
    "774d4c307317f7a0fefc33930820b7ac2a62be2c595e6a1e63e318555f7176b8",
    {
        "onnxruntime/capi/libonnxruntime.so.1.28.0": "018d05f615e96f6e0cfb95d2865f63915681d5d2688dd187f599822b245d27bc",
        "onnxruntime/capi/libonnxruntime_providers_cuda.so": "5a42fe417acc839cb605f37acd2fbf70357dfa43a2464de143e28090df5290ef",
        "onnxruntime/capi/libonnxruntime_providers_shared.so": "086ec1d5388f64153d9c63470d126693db9a182c8ce236d3a1119068471b8a0d",
    },
)
LIBRARY = RUNTIME.place("libonnxruntime.so.1.28.0")


def main() -> None:
    """Does what the command line asks for."""
    match sys.argv[1:]:
        case ["fetch"]:
            # What it says of its progress is no part of the answer.
            say, cache.say = cache.say, lambda text: print(text, file=sys.stderr)
            fetch.fetch(RUNTIME)
            cache.say = say
            print(LIBRARY)
        case ["cached"]:
            if LIBRARY.exists():
                print(f"NEREID_ONNXRUNTIME_GPU={LIBRARY}")
        case _:
            cache.fail(__doc__)


if __name__ == "__main__":
    main()
