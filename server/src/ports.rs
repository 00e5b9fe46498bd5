//! Opens the ports: what is spoken at each, and to whom.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use nereid::connections::{self, Protocol, Version};
use nereid::options::Options;
use nereid::security::api_keys::ApiKeys;
use nereid::security::cors;
use nereid::security::guard::{Guard, Surface};
use nereid::security::live::{self, Live, Look};
use nereid::security::restriction::Restrictions;
use nereid::security::tls::{Tls, TlsFiles};
use nereid::server::Server;
use nereid::{grpc, http, metrics};
use nereid_kernels::nvml::Nvml;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The ports that are open.
pub(crate) struct Ports {
    /// A task for each, which ends when the process stops and all of its requests are answered.
    pub(crate) serving: JoinSet<()>,
    /// Keeps certificates and keys up to date.
    _watching: JoinSet<()>,
}

/// Reads certificates and keys, and binds every port, before the models are loaded: that fails fast,
/// and `ready` can be asked.
pub(crate) async fn start(
    options: &Options,
    server: &Arc<Server>,
    gpus: Option<Nvml>,
) -> anyhow::Result<Ports> {
    let access = Access::read(options)?;
    let mut ports = http_ports(options, server, &access)?;
    ports.extend(grpc_ports(options, server, &access)?);
    if options.metrics.allow_metrics {
        let router = metrics::router(server.clone(), &options.metrics, gpus);
        let address = options.metrics.metrics_address.unwrap_or(options.http.http_address);
        let protocol = Protocol { version: Version::Http1, tls: None, router };
        ports.push(("Metrics Service", address, options.metrics.metrics_port, protocol));
    }
    let mut serving = JoinSet::new();
    for (name, address, port, protocol) in ports {
        let listener = bind(name, SocketAddr::new(address, port)).await?;
        let over = if protocol.tls.is_some() { " over TLS" } else { "" };
        tracing::info!("Started {name} at {}{over}", listener.local_addr()?);
        serving.spawn(connections::serve(listener, protocol, server.life.clone()));
    }
    let mut watching = JoinSet::new();
    if !access.files.is_empty() {
        watching.spawn(live::watch(access.files));
    }
    Ok(Ports { serving, _watching: watching })
}

/// Its name in the log, where it listens, and what it speaks.
type Port = (&'static str, IpAddr, u16, Protocol);

/// What stands before the protocols.
struct Access {
    http_tls: Option<Tls>,
    grpc_tls: Option<Tls>,
    keys: Option<Arc<Live<ApiKeys>>>,
    /// All that was read from files.
    files: Vec<Arc<dyn Look>>,
}

impl Access {
    fn read(options: &Options) -> anyhow::Result<Self> {
        let mut files: Vec<Arc<dyn Look>> = Vec::new();
        let mut tls = |name, of: Option<TlsFiles>, version| {
            let tls = of.map(|of| Tls::new(name, of, version)).transpose()?;
            files.extend(tls.iter().map(|tls| tls.config.clone() as Arc<dyn Look>));
            anyhow::Ok(tls)
        };
        let http_tls = tls("HTTP", options.http.tls()?, Version::Http1)?;
        let grpc_tls = tls("gRPC", options.grpc.tls()?, Version::Http2)?;
        let path = options.access.api_keys_file.clone();
        let keys = path.map(|path| {
            Live::new("the file of API keys", vec![path.clone()], move || ApiKeys::read(&path))
        });
        let keys = keys.transpose()?;
        files.extend(keys.iter().map(|keys| keys.clone() as Arc<dyn Look>));
        Ok(Self { http_tls, grpc_tls, keys, files })
    }

    fn guard(&self, surface: Surface, restrictions: Restrictions) -> Arc<Guard> {
        Arc::new(Guard { surface, restrictions, keys: self.keys.clone() })
    }
}

fn http_ports(
    options: &Options,
    server: &Arc<Server>,
    access: &Access,
) -> anyhow::Result<Vec<Port>> {
    let restricted = &options.http.http_restricted_api;
    let protocol = |surface, cors| {
        let restrictions = Restrictions::of_http(restricted).context("--http-restricted-api")?;
        let router = http::router(server.clone(), &access.guard(surface, restrictions));
        let router = match cors::layer(cors) {
            Some(cors) => router.layer(cors),
            None => router,
        };
        anyhow::Ok(Protocol { version: Version::Http1, tls: access.http_tls.clone(), router })
    };
    let mut ports = Vec::new();
    if options.http.allow_http {
        let (address, port) = (options.http.http_address, options.http.http_port);
        let public = protocol(surface(options), &options.http.http_cors_origin)?;
        ports.push(("HTTPService", address, port, public));
    }
    if let Some(port) = options.access.control_http_port {
        let control = protocol(Surface::All, &[])?;
        ports.push(("HTTPControl", options.access.control_address, port, control));
    }
    Ok(ports)
}

fn grpc_ports(
    options: &Options,
    server: &Arc<Server>,
    access: &Access,
) -> anyhow::Result<Vec<Port>> {
    let restricted = &options.grpc.grpc_restricted_protocol;
    let protocol = |surface| {
        let restrictions =
            Restrictions::of_grpc(restricted).context("--grpc-restricted-protocol")?;
        let router = grpc::router(server.clone(), &access.guard(surface, restrictions));
        anyhow::Ok(Protocol { version: Version::Http2, tls: access.grpc_tls.clone(), router })
    };
    let mut ports = Vec::new();
    if options.grpc.allow_grpc {
        let (address, port) = (options.grpc.grpc_address, options.grpc.grpc_port);
        ports.push(("GRPCInferenceService", address, port, protocol(surface(options))?));
    }
    if let Some(port) = options.access.control_grpc_port {
        let control = protocol(Surface::All)?;
        ports.push(("GRPCControl", options.access.control_address, port, control));
    }
    Ok(ports)
}

/// What the ports for all clients are for.
fn surface(options: &Options) -> Surface {
    if options.access.has_control_port() { Surface::WithoutControl } else { Surface::All }
}

async fn bind(what: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| format!("cannot listen at {address} for {what}"))
}
