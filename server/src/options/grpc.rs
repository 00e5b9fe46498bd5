//! gRPC: where it is served, and to whom.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args};
use nereid_backend::error::LoadError;

use super::access::{TlsFlags, tls_files};
use crate::security::restriction::Restriction;
use crate::security::tls::TlsFiles;

/// KServe v2 over gRPC.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "gRPC")]
pub struct GrpcOptions {
    /// Serve gRPC
    #[arg(long, value_parser = BoolishValueParser::new(), action = ArgAction::Set, default_value_t = true)]
    pub allow_grpc: bool,

    /// Address to listen at
    #[arg(long, default_value = "0.0.0.0")]
    pub grpc_address: IpAddr,

    /// Port to listen at; 0 takes a free one, which the log names
    #[arg(long, default_value_t = 8001)]
    pub grpc_port: u16,

    /// Speak TLS only; needs --grpc-server-cert and --grpc-server-key
    #[arg(long, value_parser = BoolishValueParser::new(), action = ArgAction::Set, default_value_t = false)]
    pub grpc_use_ssl: bool,

    /// Speak TLS only, with clients whose certificate is signed by one of --grpc-root-cert
    #[arg(long, value_parser = BoolishValueParser::new(), action = ArgAction::Set, default_value_t = false)]
    pub grpc_use_ssl_mutual: bool,

    /// The server's certificate and those between it and its root, in PEM; read anew when it changes
    #[arg(long, value_name = "PATH")]
    pub grpc_server_cert: Option<PathBuf>,

    /// Its private key, in PEM; read anew when it changes
    #[arg(long, value_name = "PATH")]
    pub grpc_server_key: Option<PathBuf>,

    /// Roots of the certificates of clients, in PEM; read anew when they change
    #[arg(long, value_name = "PATH")]
    pub grpc_root_cert: Option<PathBuf>,

    /// Answer calls of these groups only with the header `triton-grpc-protocol-KEY`; groups as for
    /// --http-restricted-api; may be given several times, each group once
    #[arg(long, value_name = "GROUP,...:KEY=VALUE")]
    pub grpc_restricted_protocol: Vec<Restriction>,
}

impl GrpcOptions {
    /// The files of TLS; `None` for clear text.
    ///
    /// # Errors
    /// When one is missing.
    pub fn tls(&self) -> Result<Option<TlsFiles>, LoadError> {
        tls_files(&TlsFlags {
            protocol: "grpc",
            use_ssl: self.grpc_use_ssl,
            is_mutual: self.grpc_use_ssl_mutual,
            certificate: self.grpc_server_cert.as_deref(),
            key: self.grpc_server_key.as_deref(),
            roots: self.grpc_root_cert.as_deref(),
        })
    }
}
