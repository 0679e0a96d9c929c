//! One blocking connection to one broker, one request at a time.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use corelog_protocol::client::{Answer, Session};
use corelog_protocol::messages::api_versions_request::ApiVersionsRequest;
use corelog_protocol::messages::api_versions_response::ApiVersionsResponse;
use corelog_protocol::{ApiKey, ErrorCode, Request, frame};

/// How long a connection may take to come about.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWER_TIME_MAX: Duration = Duration::from_mins(3);
/// The largest answer that is taken in.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// The API versions that a broker knows.
pub type Versions = BTreeMap<i16, (i16, i16)>;

/// A connection whose broker's versions are known.
pub struct Control {
    address: String,
    stream: TcpStream,
    session: Session,
    versions: Versions,
}

impl Control {
    /// Connects to `host:port` and asks which versions the broker knows.
    pub fn connect(address: &str) -> Result<Control> {
        let stream = open(address)?;
        stream.set_read_timeout(Some(ANSWER_TIME_MAX))?;
        stream.set_write_timeout(Some(ANSWER_TIME_MAX))?;
        let session = Session::new("corelog-bench");
        let mut control = Control { address: address.to_owned(), stream, session, versions: Versions::new() };
        let request = ApiVersionsRequest {
            client_software_name: "corelog-bench".into(),
            client_software_version: env!("CARGO_PKG_VERSION").into(),
        };
        let mut response: ApiVersionsResponse = control.exchange(&request, ApiKey::ApiVersions.max_version())?;
        if response.error_code == ErrorCode::UnsupportedVersion.code() {
            response = control.exchange(&request, 0)?;
        }
        check(response.error_code, "the broker's versions")?;
        control.versions =
            response.api_keys.iter().map(|api| (api.api_key, (api.min_version, api.max_version))).collect();
        Ok(control)
    }

    /// Connects to the first of several addresses, separated by commas, that answers.
    pub fn connect_any(bootstrap: &str) -> Result<Control> {
        let mut failed = anyhow!("no address in {bootstrap:?}");
        for address in bootstrap.split(',').map(str::trim).filter(|address| !address.is_empty()) {
            match Control::connect(address) {
                Ok(control) => return Ok(control),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// The socket alone.
    pub fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// What it is connected to.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The newest version, up to `version_max`, that both ends know.
    pub fn version(&self, key: ApiKey, version_max: i16) -> Result<i16> {
        let (min, max) = (key.decodable_min(), key.max_version().min(version_max));
        let known = self.versions.get(&key.code()).map(|(low, high)| (min.max(*low), max.min(*high)));
        match known.filter(|(low, high)| low <= high) {
            Some((_, version)) => Ok(version),
            None => bail!("{} does not support {key} in versions {min} to {max}", self.address),
        }
    }

    /// Sends a request in the newest version up to `version_max` that both ends know, and waits for its answer.
    pub fn call<R: Request>(&mut self, request: &R, version_max: i16) -> Result<R::Response> {
        let version = self.version(R::KEY, version_max)?;
        self.exchange(request, version)
    }

    fn exchange<R: Request>(&mut self, request: &R, version: i16) -> Result<R::Response> {
        let (_, encoded) = self.session.request(request, version)?;
        let lost = || format!("{} from {}", R::KEY, self.address);
        self.stream.write_all(&encoded.into_contiguous()).with_context(lost)?;
        let mut length = [0; frame::LENGTH_BYTES];
        self.stream.read_exact(&mut length).with_context(lost)?;
        let bytes = frame::announced(&length, ANSWER_BYTES_MAX).with_context(lost)?.unwrap_or(0);
        let mut body = Vec::new();
        // Grows with what arrives, not with what was announced.
        Read::by_ref(&mut self.stream).take(bytes as u64).read_to_end(&mut body).with_context(lost)?;
        if body.len() < bytes {
            bail!("{} closed the connection in an answer", self.address);
        }
        self.session.answer(Bytes::from(body)).and_then(Answer::decode).with_context(lost)
    }
}

/// Opens a connection without delay of small writes.
pub fn open(address: &str) -> Result<TcpStream> {
    let mut failed = anyhow!("{address} has no address");
    for candidate in address.to_socket_addrs().with_context(|| format!("no host {address}"))? {
        match TcpStream::connect_timeout(&candidate, CONNECT_TIME_MAX) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => failed = anyhow!(error).context(format!("cannot connect to {address}")),
        }
    }
    Err(failed)
}

/// An error that names `what`, unless `code` is 0.
pub fn check(code: i16, what: &str) -> Result<()> {
    if code == 0 { Ok(()) } else { bail!("{what}: {}", error_name(code)) }
}

/// Kafka's name of an error code.
pub fn error_name(code: i16) -> String {
    ErrorCode::from_code(code).map_or_else(|| format!("error {code}"), |code| code.name().to_owned())
}
