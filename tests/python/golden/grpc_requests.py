"""The requests behind grpc.jsonl, by label. The recording has only the answers."""

import struct

from tritonclient.grpc import service_pb2 as pb

RISING = struct.pack("<16i", *range(16))
ONES = struct.pack("<16i", *[1] * 16)
# Model and version of the questions about models.
QUESTIONS = [("simple", ""), ("simple", "1"), ("simple", "9"), ("simple", "abc"), ("nope", ""), ("", "")]


def requests() -> dict[str, tuple[str, object]]:
    """Label -> name of the method and its request; a list of requests for a stream."""
    return {**questions(), **inferences(), **streams(), **repository(), **regions()}


def questions() -> dict:
    """Health, metadata, configuration and statistics."""
    asked = {
        "live": ("ServerLive", pb.ServerLiveRequest()),
        "ready": ("ServerReady", pb.ServerReadyRequest()),
        "meta": ("ServerMetadata", pb.ServerMetadataRequest()),
    }
    for name, version in QUESTIONS:
        for label, method in [
            ("modelready", "ModelReady"),
            ("modelmeta", "ModelMetadata"),
            ("config", "ModelConfig"),
            ("stats", "ModelStatistics"),
        ]:
            request = getattr(pb, f"{method}Request")(name=name, version=version)
            asked[f"{label} {name}/{version}"] = (method, request)
    return asked


def infer(
    raw: tuple = (RISING, ONES), shape: tuple = (1, 16), datatype: str = "INT32",
    names: tuple = ("INPUT0", "INPUT1"), contents: dict | None = None, **fields,
) -> pb.ModelInferRequest:
    """A request for `simple`; `contents` are those of each input."""
    request = pb.ModelInferRequest(**{"model_name": "simple"} | fields)
    for name in names:
        tensor = pb.InferTensorContents(**contents) if contents else None
        request.inputs.add(name=name, datatype=datatype, shape=shape, contents=tensor)
    request.raw_input_contents.extend(raw)
    return request


def asking_for(output: str, **parameter) -> pb.ModelInferRequest:
    """One output, perhaps as a classification."""
    request = infer()
    asked = request.outputs.add(name=output)
    if parameter:
        asked.parameters["classification"].MergeFrom(pb.InferParameter(**parameter))
    return request


def with_parameters(**parameters: dict) -> pb.ModelInferRequest:
    """Parameters of the request, each a field of InferParameter and its value."""
    request = infer()
    for name, parameter in parameters.items():
        request.parameters[name].MergeFrom(pb.InferParameter(**parameter))
    return request


def inferences() -> dict:
    """ModelInfer: good requests, and each kind of bad one."""
    twice = infer()
    twice.inputs[0].contents.int_contents.extend(range(16))
    custom = {"foo": {"string_param": "bar"}, "n": {"int64_param": 3}, "b": {"bool_param": True}}
    made = {
        "infer": infer(),
        "infer id": infer(id="x1"),
        "infer v9": infer(model_version="9"),
        "infer vabc": infer(model_version="abc"),
        "infer nope": infer(model_name="nope"),
        "raw count": infer(raw=(RISING,)),
        "raw short": infer(raw=(RISING[:60], ONES)),
        "dtype": infer(datatype="FP32"),
        "dtype unk": infer(datatype="FOO"),
        "rank": infer(shape=(16,)),
        "batch": infer(shape=(9, 16), raw=(RISING * 9, ONES * 9)),
        "neg shape": infer(shape=(-1, 16)),
        "missing": infer(names=("INPUT0",), raw=(RISING,)),
        "wrong name": infer(names=("X", "INPUT1")),
        "dup": infer(names=("INPUT0", "INPUT0")),
        "contents": infer(raw=(), contents={"int_contents": range(16)}),
        "contents+raw": twice,
        "contents wrong type": infer(raw=(), contents={"fp32_contents": [1] * 16}),
        "contents short": infer(raw=(), contents={"int_contents": range(8)}),
        "no data": infer(raw=()),
        "one output": asking_for("OUTPUT1"),
        "unknown output": asking_for("NOPE"),
        "classification": asking_for("OUTPUT0", int64_param=2),
        "classification str": asking_for("OUTPUT0", string_param="2"),
        "custom params": with_parameters(**custom, d={"double_param": 1.5}),
        "reserved param": with_parameters(triton_x={"int64_param": 1}),
        "priority": with_parameters(priority={"uint64_param": 1}, timeout={"int64_param": 1000000}),
        "priority str": with_parameters(priority={"string_param": "1"}),
        "timeout str": with_parameters(timeout={"string_param": "1"}),
    }
    return {label: ("ModelInfer", request) for label, request in made.items()}


def streams() -> dict:
    """A bad request and a good one on one stream."""
    both = [infer(model_name="nope", id="bad1"), infer(id="ok2")]
    return {
        "stream err keeps open": ("ModelStreamInfer", both),
        "stream err + triton_grpc_error": ("ModelStreamInfer", both),
    }


def repository() -> dict:
    """Index, load and unload."""
    load = pb.RepositoryModelLoadRequest
    unknown, mistyped = (load(model_name="simple_int8") for _ in range(2))
    unknown.parameters["foo"].string_param = "x"
    mistyped.parameters["config"].bool_param = True
    return {
        "index": ("RepositoryIndex", pb.RepositoryIndexRequest()),
        "index ready": ("RepositoryIndex", pb.RepositoryIndexRequest(ready=True)),
        "index repo": ("RepositoryIndex", pb.RepositoryIndexRequest(repository_name="x")),
        "load nope": ("RepositoryModelLoad", load(model_name="nope")),
        "load repo": ("RepositoryModelLoad", load(model_name="simple", repository_name="x")),
        "unload nope": ("RepositoryModelUnload", pb.RepositoryModelUnloadRequest(model_name="nope")),
        "load bad param": ("RepositoryModelLoad", unknown),
        "load config wrong type": ("RepositoryModelLoad", mistyped),
    }


def regions() -> dict:
    """Regions of device memory, where there is no device."""
    region = pb.CudaSharedMemoryRegisterRequest(name="c", raw_handle=b"aaa", device_id=0, byte_size=4)
    return {
        "cuda reg": ("CudaSharedMemoryRegister", region),
        "cuda status": ("CudaSharedMemoryStatus", pb.CudaSharedMemoryStatusRequest()),
    }
