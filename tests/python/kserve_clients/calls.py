"""Makes every call that KServe's clients have, and prints what came of each as JSON.

    python calls.py HTTP_PORT GRPC_PORT

Run by the environment of requirements.txt beside this; the models are those of `golden`.
"""

import asyncio
import json
import logging
import sys

import grpc
import httpx
import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig

MODEL, STRINGS = "simple", "simple_string"
HOST = "127.0.0.1"


def request(model: str, is_binary: bool) -> InferRequest:
    """0 to 15, and ones: as numbers, or as strings."""
    inputs = []
    for index, values in enumerate((np.arange(16), np.ones(16))):
        numbers = values.astype(np.int32).reshape(1, 16)
        is_text = model == STRINGS
        inputs.append(InferInput(f"INPUT{index}", [1, 16], "BYTES" if is_text else "INT32"))
        content = numbers.astype(str).astype(object) if is_text else numbers
        inputs[-1].set_data_from_numpy(content, binary_data=is_binary)
    return InferRequest(model_name=model, infer_inputs=inputs, request_id="seven")


def plain(response) -> dict:
    """An `InferResponse` as JSON."""
    outputs = {output.name: output.as_numpy() for output in response.outputs}
    numbers = {name: values.astype(str).astype(int).tolist() for name, values in outputs.items()}
    return {"id": response.id, "model": response.model_name, "outputs": numbers}


async def by_http(port: int) -> dict:
    """Results by what was asked."""
    url = f"http://{HOST}:{port}"
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        results = {
            "live": await client.is_server_live(url),
            "ready": await client.is_server_ready(url),
            "model ready": await client.is_model_ready(url, MODEL),
            "no model ready": await client.is_model_ready(url, "nope"),
        }
        for model in (MODEL, STRINGS):
            for is_binary in (False, True):
                headers: dict = {}
                response = await client.infer(url, request(model, is_binary), model, response_headers=headers)
                results[f"{model}, {'binary' if is_binary else 'JSON'}"] = plain(response)
        data = {"inputs": [{"name": f"INPUT{i}", "shape": [1, 16], "datatype": "INT32", "data": [1] * 16} for i in (0, 1)]}
        results["as a dictionary"] = plain(await client.infer(url, data, MODEL))
        try:
            await client.infer(url, request("nope", is_binary=False), "nope")
        except httpx.HTTPStatusError as error:
            results["error"] = [error.response.status_code, str(error)]
    return results


async def by_grpc(port: int) -> dict:
    """The same."""
    async with InferenceGRPCClient(f"{HOST}:{port}") as client:
        results = {
            "live": await client.is_server_live(),
            "ready": await client.is_server_ready(),
            "model ready": await client.is_model_ready(MODEL),
            "no model ready": await client.is_model_ready("nope"),
        }
        for model in (MODEL, STRINGS):
            for is_binary in (False, True):
                response = await client.infer(request(model, is_binary), headers=(("x-test", "1"),))
                results[f"{model}, {'binary' if is_binary else 'contents'}"] = plain(response)
        try:
            await client.infer(request("nope", is_binary=False))
        except grpc.RpcError as error:
            results["error"] = [error.code().name, error.details()]
    return results


if __name__ == "__main__":
    logging.disable()
    http, rpc = (int(port) for port in sys.argv[1:])
    print(json.dumps({"HTTP": asyncio.run(by_http(http)), "gRPC": asyncio.run(by_grpc(rpc))}))
