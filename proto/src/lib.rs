//! Wire formats: KServe v2 over HTTP and gRPC, and config.pbtxt.
