//! Keys, the control port, and what flags of TLS say together.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use clap::Args;
use nereid_backend::error::LoadError;

use crate::security::tls::TlsFiles;

/// Who may ask for what.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Access")]
pub struct AccessOptions {
    /// Answer only who sends a key of this file, over HTTP and gRPC, but for health: `authorization:
    /// Bearer KEY` or `x-api-key: KEY`. A line for each key, `ROLE,... KEY`: infer (inference),
    /// control (load, unload, index), admin (statistics, settings); any key may read metadata and
    /// configurations. Read anew when it changes
    #[arg(long, value_name = "PATH")]
    pub api_keys_file: Option<PathBuf>,

    /// Port of HTTP that answers all calls, and beside which the other ports answer no control calls:
    /// load, unload, index, and settings of traces and logs; 0 takes a free one
    #[arg(long, value_name = "PORT")]
    pub control_http_port: Option<u16>,

    /// The same for gRPC
    #[arg(long, value_name = "PORT")]
    pub control_grpc_port: Option<u16>,

    /// Address of the control ports
    #[arg(long, value_name = "ADDRESS", default_value_t = Ipv4Addr::LOCALHOST.into())]
    pub control_address: IpAddr,
}

impl AccessOptions {
    /// Whether control calls have a port of their own.
    pub fn has_control_port(&self) -> bool {
        self.control_http_port.is_some() || self.control_grpc_port.is_some()
    }
}

/// The flags of TLS of one protocol.
pub(super) struct TlsFlags<'f> {
    /// As the flags call it.
    pub(super) protocol: &'static str,
    pub(super) use_ssl: bool,
    pub(super) is_mutual: bool,
    pub(super) certificate: Option<&'f Path>,
    pub(super) key: Option<&'f Path>,
    pub(super) roots: Option<&'f Path>,
}

/// What the flags ask for. As in Triton, files without `use-ssl` are ignored, with a warning, and mutual
/// TLS needs no `use-ssl` beside it.
pub(super) fn tls_files(flags: &TlsFlags<'_>) -> Result<Option<TlsFiles>, LoadError> {
    let TlsFlags { protocol, is_mutual, .. } = *flags;
    let files =
        [("server-cert", flags.certificate), ("server-key", flags.key), ("root-cert", flags.roots)];
    let asked = if is_mutual { "use-ssl-mutual" } else { "use-ssl" };
    let file = |(name, path): (&str, Option<&Path>)| {
        path.map(Path::to_owned).ok_or_else(|| {
            let text = format!("--{protocol}-{asked} needs --{protocol}-{name}, a file in PEM");
            LoadError::new(text)
        })
    };
    let is_used = [flags.use_ssl || is_mutual, flags.use_ssl || is_mutual, is_mutual];
    for ((name, path), is_used) in files.into_iter().zip(is_used) {
        if path.is_some() && !is_used {
            let needed = if name == "root-cert" { "use-ssl-mutual" } else { "use-ssl" };
            tracing::warn!("--{protocol}-{name} has no effect without --{protocol}-{needed}");
        }
    }
    if !flags.use_ssl && !is_mutual {
        return Ok(None);
    }
    let [certificate, key, roots] = files;
    let client_roots = is_mutual.then(|| file(roots)).transpose()?;
    Ok(Some(TlsFiles { certificate: file(certificate)?, key: file(key)?, client_roots }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;
    use clap::Parser;

    fn tls(flags: &str) -> Result<[Option<TlsFiles>; 2], String> {
        let line = format!("nereid --model-repository a {flags}");
        let options = Options::try_parse_from(line.split_whitespace()).unwrap();
        let error = |error: LoadError| error.to_string();
        Ok([options.http.tls().map_err(error)?, options.grpc.tls().map_err(error)?])
    }

    #[test]
    fn tls_has_tritons_flags() {
        let files = |client_roots: Option<&str>| TlsFiles {
            certificate: "c".into(),
            key: "k".into(),
            client_roots: client_roots.map(PathBuf::from),
        };
        let named = "--grpc-server-cert c --grpc-server-key k --grpc-root-cert r";
        assert_eq!(tls(named), Ok([None, None]));
        assert_eq!(tls(&format!("{named} --grpc-use-ssl=1")), Ok([None, Some(files(None))]));
        let mutual = Ok([None, Some(files(Some("r")))]);
        assert_eq!(tls(&format!("{named} --grpc-use-ssl-mutual true")), mutual);
        let http = "--http-use-ssl true --http-server-cert c --http-server-key k";
        assert_eq!(tls(http), Ok([Some(files(None)), None]));
    }

    #[test]
    fn what_is_missing_is_named() {
        for (flags, missing) in [
            ("--grpc-use-ssl=true", "--grpc-use-ssl needs --grpc-server-cert"),
            ("--http-use-ssl=true --http-server-cert c", "--http-use-ssl needs --http-server-key"),
            (
                "--http-use-ssl-mutual=true --http-server-cert c --http-server-key k",
                "--http-use-ssl-mutual needs --http-root-cert, a file in PEM",
            ),
        ] {
            let error = tls(flags).unwrap_err();
            assert!(error.contains(missing), "{error}");
        }
    }
}
