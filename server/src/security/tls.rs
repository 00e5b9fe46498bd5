//! TLS by rustls: the certificate and the key of a port, and the handshake of a connection.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nereid_backend::error::LoadError;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::live::Live;
use super::pem;
use crate::connections::Version;

/// How long a client may take for its handshake, during which it has a connection's place.
pub const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// The first byte of every connection that speaks TLS: a record of a handshake (RFC 8446, 5.1).
const HANDSHAKE_RECORD: u8 = 22;

/// What who speaks HTTP to this port is told, in HTTP.
const CLEAR_TEXT: &str = r#"{"error":"this port speaks TLS: ask by https://"}"#;

/// Bytes of a request in clear text that are read before it is answered, to which its client listens
/// only when all was taken.
const CLEAR_TEXT_BYTES_MAX: usize = 16 << 10;

/// The files of a port, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, and those between it and its root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Mutual TLS: roots of the certificates that clients must have.
    pub client_roots: Option<PathBuf>,
}

/// The TLS of a port.
#[derive(Clone)]
pub struct Tls {
    /// Of the connections to come.
    pub config: Arc<Live<ServerConfig>>,
}

impl Tls {
    /// Reads the files of the port that `name` stands for, which speaks `version`.
    ///
    /// # Errors
    /// When a file cannot be read or used: which, and what was expected.
    pub fn new(name: &str, files: TlsFiles, version: Version) -> Result<Self, LoadError> {
        let TlsFiles { certificate, key, client_roots } = files.clone();
        let paths = [certificate, key].into_iter().chain(client_roots).collect();
        let name = format!("the certificate of {name}");
        Ok(Self { config: Live::new(name, paths, move || read(&files, version))? })
    }

    /// What the client says once it has shaken hands.
    ///
    /// # Errors
    /// When it does not in [`HANDSHAKE_MAX`], or has no certificate that it must have, or speaks no
    /// TLS; one of HTTP/1 is told so.
    pub async fn accept(
        &self,
        stream: TcpStream,
        version: Version,
    ) -> io::Result<TlsStream<TcpStream>> {
        let shaken = timeout(HANDSHAKE_MAX, self.shake_hands(stream, version)).await;
        shaken.unwrap_or_else(|_| {
            let text = format!("no TLS handshake within {} s", HANDSHAKE_MAX.as_secs());
            Err(io::Error::new(io::ErrorKind::TimedOut, text))
        })
    }

    async fn shake_hands(
        &self,
        stream: TcpStream,
        version: Version,
    ) -> io::Result<TlsStream<TcpStream>> {
        let mut first = [HANDSHAKE_RECORD];
        stream.peek(&mut first).await?;
        if first == [HANDSHAKE_RECORD] {
            return TlsAcceptor::from(self.config.get()).accept(stream).await;
        }
        match version {
            Version::Http1 => refuse_clear_text(stream).await?,
            // gRPC has no words for who has not begun.
            Version::Http2 => {}
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "a client that does not speak TLS"))
    }
}

async fn refuse_clear_text(mut stream: TcpStream) -> io::Result<()> {
    let _request = stream.read(&mut vec![0; CLEAR_TEXT_BYTES_MAX]).await?;
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{CLEAR_TEXT}",
        CLEAR_TEXT.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

fn read(files: &TlsFiles, version: Version) -> Result<ServerConfig, LoadError> {
    let provider = Arc::new(ring::default_provider());
    let chain = pem::certificates(&files.certificate)?;
    let key = pem::private_key(&files.key)?;
    let verifier = match &files.client_roots {
        Some(roots) => verifier(roots, provider.clone())?,
        None => WebPkiClientVerifier::no_client_auth(),
    };
    let wrong = |error: rustls::Error| {
        let (certificate, key) = (files.certificate.display(), files.key.display());
        LoadError::new(format!(
            "{certificate} and {key} cannot be used, expected a certificate and its private key: {error}"
        ))
    };
    let builder = ServerConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().map_err(wrong)?;
    let mut config =
        builder.with_client_cert_verifier(verifier).with_single_cert(chain, key).map_err(wrong)?;
    let protocol = match version {
        Version::Http1 => b"http/1.1".as_slice(),
        Version::Http2 => b"h2",
    };
    config.alpn_protocols.push(protocol.to_vec());
    Ok(config)
}

/// Admits clients whose certificate is signed by one of the roots, and no others.
fn verifier(
    path: &Path,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, LoadError> {
    let roots = Arc::new(pem::roots(path)?);
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
    verifier.map_err(|error| LoadError::new(format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use rustls::server::ResolvesServerCertUsingSni;
    use tokio::net::TcpListener;
    use tokio::time::Instant;

    use super::*;

    /// A port without a certificate, of which no handshake comes to its end.
    fn tls() -> Tls {
        let read = || {
            let provider = Arc::new(ring::default_provider());
            let builder = ServerConfig::builder_with_provider(provider);
            let builder = builder.with_safe_default_protocol_versions().unwrap();
            let none = Arc::new(ResolvesServerCertUsingSni::new());
            Ok(builder.with_no_client_auth().with_cert_resolver(none))
        };
        Tls { config: Live::new("test", Vec::new(), read).unwrap() }
    }

    /// Why the server does not go on with a client that sends `sent`, and what it answers.
    async fn refused(sent: &[u8], version: Version) -> (io::Error, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        client.write_all(sent).await.unwrap();
        let error = tls().accept(stream, version).await.map(drop).unwrap_err();
        let mut answer = Vec::new();
        // What was sent and not read makes the end a reset, after what was answered.
        let _end = client.read_to_end(&mut answer).await;
        (error, answer)
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_finish_is_cut() {
        // Nothing; and a record that is longer than what comes of it.
        for sent in [&b""[..], &[HANDSHAKE_RECORD, 3, 1, 1, 0, 1]] {
            let start = Instant::now();
            let (error, answer) = refused(sent, Version::Http2).await;
            assert_eq!((error.kind(), answer), (io::ErrorKind::TimedOut, Vec::new()));
            assert!(start.elapsed() >= HANDSHAKE_MAX);
        }
    }

    #[tokio::test]
    async fn clear_text_is_answered_over_http() {
        let (error, answer) = refused(b"GET / HTTP/1.1\r\n\r\n", Version::Http1).await;
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.ends_with(CLEAR_TEXT), "{answer}");
        assert_eq!(error.to_string(), "a client that does not speak TLS");
        let (_, answer) = refused(b"PRI * HTTP/2.0", Version::Http2).await;
        assert_eq!(answer, b"");
    }
}
