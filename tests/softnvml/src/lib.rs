//! A double of NVML, as a `libnvidia-ml.so.1` whose devices say what the environment tells them
//! (`settings`). It measures nothing: it is there so that metrics of devices can be tested where there
//! are none. Its devices have the UUIDs of the software CUDA device's.

mod api;
mod code;
mod settings;
