//! HTTP: where it is served, and to whom.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args};
use nereid_backend::error::LoadError;

use super::access::{TlsFlags, tls_files};
use crate::security::cors::Origin;
use crate::security::restriction::Restriction;
use crate::security::tls::TlsFiles;

/// KServe v2 over HTTP.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "HTTP")]
pub struct HttpOptions {
    /// Serve HTTP
    #[arg(long, value_parser = BoolishValueParser::new(), action = ArgAction::Set, default_value_t = true)]
    pub allow_http: bool,

    /// Address to listen at
    #[arg(long, default_value = "0.0.0.0")]
    pub http_address: IpAddr,

    /// Port to listen at; 0 takes a free one, which the log names
    #[arg(long, default_value_t = 8000)]
    pub http_port: u16,

    /// Largest request, over HTTP and gRPC
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20)]
    pub http_max_input_size: usize,

    /// Speak TLS only; needs --http-server-cert and --http-server-key
    #[arg(long, value_parser = BoolishValueParser::new(), action = ArgAction::Set, default_value_t = false)]
    pub http_use_ssl: bool,

    /// Speak TLS only, with clients whose certificate is signed by one of --http-root-cert
    #[arg(long, value_parser = BoolishValueParser::new(), action = ArgAction::Set, default_value_t = false)]
    pub http_use_ssl_mutual: bool,

    /// The server's certificate and those between it and its root, in PEM; read anew when it changes
    #[arg(long, value_name = "PATH")]
    pub http_server_cert: Option<PathBuf>,

    /// Its private key, in PEM; read anew when it changes
    #[arg(long, value_name = "PATH")]
    pub http_server_key: Option<PathBuf>,

    /// Roots of the certificates of clients, in PEM; read anew when they change
    #[arg(long, value_name = "PATH")]
    pub http_root_cert: Option<PathBuf>,

    /// Answer calls of these groups only with this header: health, metadata, inference,
    /// shared-memory, model-config, model-repository, statistics, trace, logging; may be given
    /// several times, each group once
    #[arg(long, value_name = "GROUP,...:KEY=VALUE")]
    pub http_restricted_api: Vec<Restriction>,

    /// Let pages of this origin read answers in a browser, as in `https://example.com`; * lets all;
    /// may be given several times
    #[arg(long, value_name = "ORIGIN")]
    pub http_cors_origin: Vec<Origin>,
}

impl HttpOptions {
    /// The files of TLS; `None` for clear text.
    ///
    /// # Errors
    /// When one is missing.
    pub fn tls(&self) -> Result<Option<TlsFiles>, LoadError> {
        tls_files(&TlsFlags {
            protocol: "http",
            use_ssl: self.http_use_ssl,
            is_mutual: self.http_use_ssl_mutual,
            certificate: self.http_server_cert.as_deref(),
            key: self.http_server_key.as_deref(),
            roots: self.http_root_cert.as_deref(),
        })
    }
}
