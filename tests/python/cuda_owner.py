"""A process that owns memory of a CUDA device and shares it, as clients of CUDA shared memory do: by the driver API, through
ctypes. Run as a program it obeys lines of JSON; the class starts it, and is what tests talk to."""

import base64
import ctypes
import json
import subprocess
import sys

HANDLE_BYTES = 64


class CudaOwner:
    """The process. As a context, it frees its memory and ends."""

    def __init__(self, environment: dict[str, str]) -> None:
        # The report of the device is the server's.
        environment = {name: value for name, value in environment.items() if name != "SOFTCUDA_REPORT"}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([sys.executable, __file__], env=environment, stdin=pipe, stdout=pipe, text=True)

    def __enter__(self) -> "CudaOwner":
        return self

    def __exit__(self, *_) -> None:
        self._process.communicate()
        assert self._process.returncode in (0, -9)

    def allocate(self, content: bytes, device: int = 0) -> tuple[int, bytes]:
        """Where the memory is, and its handle as `tritonclient` wants it."""
        told = self._ask("allocate", device, base64.b64encode(content).decode())
        return told["address"], told["handle"].encode()

    def read(self, address: int, size: int) -> bytes:
        """What lies there."""
        return base64.b64decode(self._ask("read", address, size)["content"])

    def write(self, address: int, content: bytes) -> None:
        """Other bytes."""
        self._ask("write", address, base64.b64encode(content).decode())

    def kill(self) -> None:
        """Without a chance to free anything."""
        self._process.kill()
        self._process.wait()

    def _ask(self, *order: object) -> dict:
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


class _Handle(ctypes.Structure):
    """`CUipcMemHandle`."""

    _fields_ = [("reserved", ctypes.c_char * HANDLE_BYTES)]


class _Device:
    """The driver, and the memory that was allocated by it."""

    def __init__(self) -> None:
        self._driver = ctypes.CDLL("libcuda.so.1")
        self._addresses: list[int] = []
        self._call("cuInit", 0)

    def allocate(self, device: int, content: str) -> dict:
        context, address, handle = ctypes.c_void_p(), ctypes.c_uint64(), _Handle()
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self._call("cuCtxSetCurrent", context)
        self._call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(len(base64.b64decode(content))))
        self._addresses.append(address.value)
        self.write(address.value, content)
        self._call("cuIpcGetMemHandle", ctypes.byref(handle), address)
        return {"address": address.value, "handle": base64.b64encode(bytes(handle)).decode()}

    def read(self, address: int, size: int) -> dict:
        content = ctypes.create_string_buffer(size)
        self._call("cuMemcpyDtoH_v2", content, ctypes.c_uint64(address), ctypes.c_size_t(size))
        return {"content": base64.b64encode(content.raw).decode()}

    def write(self, address: int, content: str) -> dict:
        content = base64.b64decode(content)
        self._call("cuMemcpyHtoD_v2", ctypes.c_uint64(address), content, ctypes.c_size_t(len(content)))
        self._call("cuCtxSynchronize")
        return {}

    def free(self) -> None:
        for address in self._addresses:
            self._call("cuMemFree_v2", ctypes.c_uint64(address))

    def _call(self, name: str, *arguments: object) -> None:
        result = getattr(self._driver, name)(*arguments)
        assert result == 0, f"{name}: {result}"


def main() -> None:
    """Does what standard input says, until it ends."""
    device = _Device()
    for line in sys.stdin:
        order, *arguments = json.loads(line)
        print(json.dumps(getattr(device, order)(*arguments)), flush=True)
    device.free()


if __name__ == "__main__":
    main()
