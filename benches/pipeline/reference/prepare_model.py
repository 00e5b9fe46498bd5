"""The reference's preparation: OpenCV, which decodes with libjpeg-turbo, in Triton's Python backend."""

import json

import cv2
import numpy as np
import triton_python_backend_utils as pb_utils

cv2.setNumThreads(1)


class TritonPythonModel:
    """JPEG to planar RGB of the configured size, between 0 and 1."""

    def initialize(self, args: dict) -> None:
        output = json.loads(args["model_config"])["output"][0]
        self.data_type = pb_utils.triton_string_to_numpy(output["data_type"])
        self.height, self.width = output["dims"][-2:]

    def execute(self, requests: list) -> list:
        responses = []
        for request in requests:
            jpeg = pb_utils.get_input_tensor_by_name(request, "jpeg").as_numpy().flat[0]
            picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
            picture = cv2.resize(picture, (self.width, self.height), interpolation=cv2.INTER_LINEAR)
            planes = np.empty((1, 3, self.height, self.width), self.data_type)
            for channel, plane in enumerate(cv2.split(picture)):
                np.multiply(plane, self.data_type(1 / 255), out=planes[0, channel], casting="unsafe")
            responses.append(pb_utils.InferenceResponse([pb_utils.Tensor("picture", planes)]))
        return responses
