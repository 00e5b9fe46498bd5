//! `nereid probe`: asks a server for its health, as a container's health check does. It speaks just
//! enough HTTP/1.1 for that, and starts no runtime: it is run every few seconds.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::options::{Health, ProbeOptions};

/// As long as a status line of HTTP/1.1 that begins as ours do.
const STATUS: &[u8] = b"HTTP/1.1 200";

/// Asks once.
///
/// # Errors
/// When the server says no, or nothing in time.
pub fn ask(options: &ProbeOptions) -> anyhow::Result<()> {
    let address = SocketAddr::new(options.http_address, options.http_port);
    let path = match options.health {
        Health::Live => "/v2/health/live",
        Health::Ready => "/v2/health/ready",
    };
    let timeout = Duration::from_secs(options.timeout_secs);
    let status = status(address, path, timeout)
        .with_context(|| format!("no answer from {address} within {} s", timeout.as_secs()))?;
    if status != STATUS {
        bail!("{address}{path} says no: {}", String::from_utf8_lossy(&status).escape_debug());
    }
    Ok(())
}

/// The beginning of the answer, as long as [`STATUS`].
fn status(address: SocketAddr, path: &str, timeout: Duration) -> io::Result<[u8; STATUS.len()]> {
    let end = Instant::now() + timeout;
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_write_timeout(Some(timeout))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut status = [0; STATUS.len()];
    let mut filled = 0;
    while filled < status.len() {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut status[filled..])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => filled += read,
        }
    }
    Ok(status)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, TcpListener};
    use std::thread;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// What is told of a server that answers `answer`, and what it was asked.
    fn told(health: Health, answer: &'static str) -> (Result<(), String>, String) {
        let listener = TcpListener::bind((HERE, 0)).unwrap();
        let http_port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 512];
            let count = stream.read(&mut asked).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(asked[..count].to_vec()).unwrap()
        });
        let options = ProbeOptions { health, http_address: HERE, http_port, timeout_secs: 60 };
        let result = ask(&options).map_err(|error| format!("{error:#}"));
        (result, server.join().unwrap())
    }

    #[test]
    fn the_status_decides() {
        #[track_caller]
        fn check(answer: &'static str, expected: &str) {
            let (result, _) = told(Health::Ready, answer);
            assert!(result.clone().is_err_and(|error| error.contains(expected)), "{result:?}");
        }
        assert_eq!(told(Health::Ready, "HTTP/1.1 200 OK\r\n\r\n").0, Ok(()));
        check("HTTP/1.1 400 Bad Request\r\n\r\n", "says no: HTTP/1.1 400");
        check("SSH-2.0-OpenSSH_9.2", "says no: SSH-2.0");
        check("HTTP/1.1", "no answer from 127.0.0.1:");
    }

    #[test]
    fn each_health_has_its_path() {
        for (health, path) in
            [(Health::Live, "/v2/health/live"), (Health::Ready, "/v2/health/ready")]
        {
            let (_, asked) = told(health, "HTTP/1.1 200 OK\r\n\r\n");
            assert!(asked.starts_with(&format!("GET {path} HTTP/1.1\r\n")), "{asked}");
        }
    }

    #[test]
    fn who_is_silent_has_no_more_than_the_time() {
        let silent = TcpListener::bind((HERE, 0)).unwrap();
        let error =
            status(silent.local_addr().unwrap(), "/", Duration::from_millis(1)).unwrap_err();
        assert!(matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut));
    }
}
